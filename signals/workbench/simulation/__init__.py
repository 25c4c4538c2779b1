"""How often a policy makes each call, by the true effects: Monte Carlo on its own rules."""
