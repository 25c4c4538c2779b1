"""Tools that run evaluations: one file per tool says what it wrote, one layer makes item scores of it."""
