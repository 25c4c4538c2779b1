"""Servers that are asked page by page: one client, one way to page, one way to go on after a pull that died."""
