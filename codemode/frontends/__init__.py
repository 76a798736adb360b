"""Ways to use the host: the command line."""
