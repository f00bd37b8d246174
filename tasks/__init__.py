"""The tasks.

`<family>/<task>.py` asks a question about a subject, `models/` holds the subjects that tasks share, and `claims/`
what papers say.
"""
