"""The methods: `<family>/<method>.py`, one decorated function each. Nothing to register; files that begin with `_` are helpers."""
