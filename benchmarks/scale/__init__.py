"""What ``benchmarks/warehouse.py`` measures: made files, and one process per way of reading them."""
