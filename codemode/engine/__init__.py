"""The engine: V8 through mini-racer, the runner in it, and the rewriting of modules."""
