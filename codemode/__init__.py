"""Code mode for Python agents: scripts call the agent's tools from a sandboxed V8 worker, and every call is answered."""
