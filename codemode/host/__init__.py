"""The host: service, sessions, turns, cells and the tools that scripts call. Runs on trio; never touches the engine."""
