"""Edits of a policy: what one changes, how two are joined, and which weakenings its own tests would catch."""
