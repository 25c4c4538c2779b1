"""What is wrong with a policy that loads, decided over all situations."""
