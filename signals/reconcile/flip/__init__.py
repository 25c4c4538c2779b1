"""What would flip the call: the nearest value of each fact, exact on the compiled policy."""
