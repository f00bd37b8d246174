"""Touchstone's engine: finds plugins, trains subjects, runs methods in isolation, scores, calibrates and publishes.

It knows no task and no method by name. `registry` lists the plugins, `plan` resolves a profile into jobs, `stages`
holds the four steps of the workflow (train, explain, score, publish), and `families` says what the methods of each
family get and must return.
"""

__version__ = "0.1.0"
