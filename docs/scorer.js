// Search finds guides first: what a page adds to the score of a match in it.
const PLACES = [
  [/^which-loss$/, 60],
  [/^(theory|calibration)$/, 45],
  [/^(install|quick-start|coming-from|recipes)/, 25],
  [/^gallery\//, 15],
  [/^losses\//, 20],
  [/^(index$|api\/|benchmarks|changes|add-a|genindex)/, 0],
];

var Scorer = { // var: searchtools.js looks whether it is there
  score: ([docname, title, anchor, descr, score]) => {
    const place = PLACES.find(([pattern]) => pattern.test(docname));
    return score + (place ? place[1] : 10);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
