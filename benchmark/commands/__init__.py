"""Commands of `touchstone` beside the stages, by subject: `register(app)` in each module adds its own."""
