"""The commands of the command line, one a module: what each takes, and what it does."""
