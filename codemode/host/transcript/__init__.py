"""Keeping a conversation with a model valid: the guard, its log, and what providers refuse."""
