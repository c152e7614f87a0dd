// Curves with sliders on the pages of the losses. The formulas are those of the pages, for one
// example; tests/site/test_curves.py holds each to the library, in a browser.
"use strict";

const softplus = (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const positive = (z) => softplus(-z); // plain cross-entropy of a positive, and of a margin
const negative = (z) => softplus(z);
const smoothed = (z, y, e) => (y * (1 - e) + e / 2) * softplus(-z) + ((1 - y) * (1 - e) + e / 2) * softplus(z);

// Soft counts of 5 positives at logit a and 95 negatives at logit b
const tp = (a) => 5 * sigmoid(a), fn = (a) => 5 * sigmoid(-a);
const fp = (b) => 95 * sigmoid(b), tn = (b) => 95 * sigmoid(-b);
const tversky = (a, b, onFp, onFn) => 1 - tp(a) / (tp(a) + onFp * fp(b) + onFn * fn(a));
const batch = (loss) => ({
  "5 positives there, 95 negatives at -2": (z, o) => loss(z, -2, o),
  "95 negatives there, 5 positives at 0": (z, o) => loss(0, z, o),
});

const LOGIT = "logit", MARGIN = "logit of the label, minus the other's";

// For each loss: sliders (lowest, highest, step, start), curves, and plain cross-entropy beside them
const CURVES = {
  binary_cross_entropy: {
    x: LOGIT, plain: [positive, negative],
    sliders: { pos_weight: [0, 20, 0.1, 4], neg_weight: [0, 5, 0.1, 1], label_smoothing: [0, 0.5, 0.01, 0] },
    curves: {
      "a positive": (z, o) => o.pos_weight * smoothed(z, 1, o.label_smoothing),
      "a negative": (z, o) => o.neg_weight * smoothed(z, 0, o.label_smoothing),
    },
  },
  confusion_cross_entropy: {
    x: LOGIT, plain: [positive, negative],
    sliders: { tp: [0, 10, 0.1, 1], fn: [0, 10, 0.1, 3], tn: [0, 10, 0.1, 0.2], fp: [0, 10, 0.1, 1] },
    curves: {
      "a positive": (z, o) => (z > 0 ? o.tp : o.fn) * softplus(-z),
      "a negative": (z, o) => (z > 0 ? o.fp : o.tn) * softplus(z),
    },
  },
  binary_focal_loss: {
    x: LOGIT, plain: [positive, negative],
    sliders: { gamma: [0, 5, 0.1, 2], pos_weight: [0, 20, 0.1, 1] },
    curves: {
      "a positive": (z, o) => o.pos_weight * sigmoid(-z) ** o.gamma * softplus(-z),
      "a negative": (z, o) => sigmoid(z) ** o.gamma * softplus(z),
    },
  },
  asymmetric_loss: {
    x: LOGIT, plain: [positive, negative],
    sliders: { gamma_pos: [0, 5, 0.1, 1], gamma_neg: [0, 8, 0.1, 4], clip: [0, 0.5, 0.01, 0.05] },
    curves: {
      "a positive": (z, o) => sigmoid(-z) ** o.gamma_pos * softplus(-z),
      "a negative": (z, o) => {
        const p = Math.max(sigmoid(z) - o.clip, 0);
        return p ** o.gamma_neg * -Math.log1p(-p);
      },
    },
  },
  cross_entropy: {
    x: MARGIN, plain: [positive],
    sliders: { class_weight: [0, 20, 0.1, 3], label_smoothing: [0, 0.5, 0.01, 0] },
    curves: { "an example": (z, o) => o.class_weight * smoothed(z, 1, o.label_smoothing) },
  },
  logit_adjusted_cross_entropy: {
    x: MARGIN, plain: [positive],
    sliders: { prior: [0.01, 0.99, 0.01, 0.1], tau: [0, 3, 0.05, 1] },
    curves: { "an example": (z, o) => softplus(-(z + o.tau * Math.log(o.prior / (1 - o.prior)))) },
  },
  balanced_softmax_cross_entropy: {
    x: MARGIN, plain: [positive],
    sliders: { "examples of its class in 100": [1, 99, 1, 10] },
    curves: {
      "an example": (z, o) => {
        const n = o["examples of its class in 100"];
        return softplus(-(z + Math.log(n / (100 - n))));
      },
    },
  },
  ldam_cross_entropy: {
    x: "cosine of the label, minus the other's", span: [-0.5, 1], plain: [(z) => softplus(-30 * z)],
    sliders: { "examples of its class": [10, 2000, 10, 160], max_margin: [0, 1, 0.05, 0.5], scale: [1, 60, 1, 30] },
    curves: {
      "an example; the other class has 10": (z, o) =>
        softplus(-o.scale * (z - o.max_margin * (10 / o["examples of its class"]) ** 0.25)),
    },
  },
  vector_scaling_cross_entropy: {
    x: MARGIN, plain: [positive],
    sliders: { scale: [0.1, 3, 0.1, 0.5], shift: [-4, 4, 0.1, 0] },
    curves: { "an example": (z, o) => softplus(-(o.scale * z + o.shift)) },
  },
  focal_loss: {
    x: MARGIN, plain: [positive],
    sliders: { gamma: [0, 5, 0.1, 2], class_weight: [0, 20, 0.1, 1] },
    curves: { "an example": (z, o) => o.class_weight * sigmoid(-z) ** o.gamma * softplus(-z) },
  },
  poly_cross_entropy: {
    x: MARGIN, plain: [positive],
    sliders: { epsilon: [-1, 6, 0.1, 1] },
    curves: { "an example": (z, o) => softplus(-z) + o.epsilon * sigmoid(-z) },
  },
  generalized_cross_entropy: {
    x: MARGIN, plain: [positive],
    sliders: { q: [0.05, 1, 0.05, 0.7] },
    curves: { "an example": (z, o) => -Math.expm1(-o.q * softplus(-z)) / o.q },
  },
  linear_cross_entropy: {
    x: MARGIN, plain: [positive],
    sliders: { softcap: [1, 30, 0.5, 3], z_loss: [0, 0.1, 0.001, 0] },
    curves: {
      "an example": (z, o) => {
        const capped = o.softcap * Math.tanh(z / o.softcap);
        return softplus(-capped) + o.z_loss * softplus(capped) ** 2;
      },
    },
  },
  expected_cost: {
    x: LOGIT, plain: [positive, negative],
    sliders: { miss: [0, 20, 0.5, 5], hit: [-5, 5, 0.5, -1], "false alarm": [0, 20, 0.5, 1] },
    curves: {
      "a positive": (z, o) => o.miss * sigmoid(-z) + o.hit * sigmoid(z),
      "a negative": (z, o) => o["false alarm"] * sigmoid(z),
    },
  },
  recall_specificity_loss: {
    x: LOGIT, plain: [],
    sliders: { recall_weight: [0, 1, 0.05, 0.5] },
    curves: batch((a, b, o) => o.recall_weight * sigmoid(-a) + (1 - o.recall_weight) * sigmoid(b)),
  },
  tversky_loss: {
    x: LOGIT, plain: [],
    sliders: { fp_weight: [0, 1, 0.05, 0.3], fn_weight: [0, 1, 0.05, 0.7] },
    curves: batch((a, b, o) => tversky(a, b, o.fp_weight, o.fn_weight)),
  },
  focal_tversky_loss: {
    x: LOGIT, plain: [],
    sliders: { fp_weight: [0, 1, 0.05, 0.3], fn_weight: [0, 1, 0.05, 0.7], gamma: [0.5, 3, 0.05, 1.35] },
    curves: batch((a, b, o) => tversky(a, b, o.fp_weight, o.fn_weight) ** (1 / o.gamma)),
  },
  f_beta_loss: {
    x: LOGIT, plain: [],
    sliders: { beta: [0.1, 5, 0.1, 2] },
    curves: batch((a, b, o) => tversky(a, b, 1 / (1 + o.beta ** 2), o.beta ** 2 / (1 + o.beta ** 2))),
  },
  dice_loss: {
    x: LOGIT, plain: [],
    sliders: { pos_weight: [0.1, 20, 0.1, 1] },
    curves: batch((a, b, o) => {
      const found = o.pos_weight * tp(a);
      return 1 - (2 * found) / (2 * found + fp(b) + o.pos_weight * fn(a));
    }),
  },
  soft_confusion: {
    x: LOGIT, plain: [],
    sliders: { pos_weight: [0, 10, 0.1, 1], neg_weight: [0, 10, 0.1, 1] },
    curves: {
      "TP of a positive": (z, o) => o.pos_weight * sigmoid(z),
      "FP of a negative": (z, o) => o.neg_weight * sigmoid(z),
    },
  },
};

// A difference of second order, to one side: at a step of 1e-4 its error is below the width of a
// line by far.
const gradient = (loss) => (z, o) => {
  const h = z > 0 ? 1e-4 : -1e-4; // away from 0, where decisions jump
  return (4 * loss(z + h, o) - loss(z + 2 * h, o) - 3 * loss(z, o)) / (2 * h);
};
