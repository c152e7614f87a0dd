"""Which loss helps on a table of one's own: the same model, trained with each, on held-out rows.

A file a step: `table` reads it, `ways` says what is tried, `network` and `boosters` train,
`scores` measures, `trial` runs all over folds and seeds, `interval` and `verdict` say what can be
said of it, `pasted` writes the lines to take along, `page` and `pictures` the page.
"""
