"""Which loss helps when: many tables, every loss that applies to tables, and a moved threshold.

A file a step: `tables` (of `keel` and others) says what is learnt from, `trainings` which losses
are tried with which settings, `slopes` differentiates them, `plan` what a cell is, `cells` trains
and measures one, `run` all of them, `finished` keeps what is done, `results` is the table that is
committed, `ranks` what can be said of it, `diagrams`, `page` and `show` how it is shown.
"""
