"""Why signals disagree, how sure a call is, and what would settle it."""
