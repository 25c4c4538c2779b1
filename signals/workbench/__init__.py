"""The workbench: what a policy decides everywhere, what an edit changes, and what its own tests would miss.

Pure functions of loaded policies (and, for simulation, of stored numbers): nothing here reads a file or the store.
``situations`` decides everything, ``lint`` and ``edits`` ask it, ``simulation`` draws releases.
"""
