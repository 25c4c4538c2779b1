"""Prints the page of the rules: ``python -m signals.workbench.lint > docs/lint.md``."""

import sys

from signals.workbench.lint.rules import page

sys.stdout.write(page())
