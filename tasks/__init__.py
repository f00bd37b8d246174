"""The tasks.

`<family>/<task>.py` asks a question about a subject, `models/<model>/subject.py` trains a subject that
tasks share, with its parts beside it (and those of several in `models/shared/`), and `claims/` holds what papers say.
"""
