"""What each signal brings to a pair: its number under every combination of its corrections."""
