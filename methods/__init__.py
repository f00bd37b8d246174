"""The methods: `<family>/<method>.py`, one decorated function each. Files that begin with `_` are helpers."""
