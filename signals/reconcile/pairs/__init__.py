"""The diagnosis of two signals that contradict each other."""
