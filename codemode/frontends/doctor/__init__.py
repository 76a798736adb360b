"""`codemode doctor`: what is claimed of workers, each claim proved by trying it."""
