"""Touchstone's engine: finds plugins, trains subjects, runs methods in isolation, scores, calibrates and publishes.

It knows no task and no method by name. `registry` lists the plugins, `plan` resolves a profile into jobs, `stages`
holds the four steps of the workflow (train, explain, score, publish), and `families` says what the methods of each
family get and must return. `evaluate` is all of it for one method of a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark.notebook import evaluate

__all__ = ["__version__", "evaluate"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`benchmark.evaluate`, imported when it is first asked for: the command line needs no torch."""
    if name != "evaluate":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from benchmark.notebook import evaluate

    return evaluate
