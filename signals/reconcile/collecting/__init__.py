"""What would settle the call: the next best evidence, its worth and its price."""
