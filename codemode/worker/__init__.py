"""The child process: fences, main loop, and the sentry that watches while V8 is busy. No trio, no pydantic."""
