"""Every situation that a policy can tell apart, and what it decides there: exactly, as decision diagrams."""
