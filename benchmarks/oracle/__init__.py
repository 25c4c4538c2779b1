"""Our estimators against an independent library, in an environment of its own: ``make oracle``."""
