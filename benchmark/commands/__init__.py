"""Groups of commands that `benchmark.cli` registers; each module has a `register(app)`."""
