"""The tasks: `<family>/<task>.py` asks a question about a subject; `models/` holds the subjects that tasks share; `claims/` what papers say."""
