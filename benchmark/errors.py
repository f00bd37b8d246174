"""Errors a person can act on: what was got, what was expected, what is available, and the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TouchstoneError(Exception):
    """An error whose message is written for the user; command line and notebooks print it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [f"touchstone: {self}"]


class Unsupported(Exception):
    """Raised by a method that cannot handle a subject: the row says `unsupported` instead of a misleading number."""


class InvalidExplanation(TouchstoneError):
    """A method returned something that is not an explanation of its family (shape, type, NaN or infinity)."""


class DamagedArtifactError(TouchstoneError):
    """A file on disk is not what was written: its checksum differs, or it is truncated or missing."""


class UnknownNameError(TouchstoneError):
    """A name that nothing carries. The message gives the nearest names and the list of those available."""

    def __init__(self, kind: str, name: str, available: Iterable[str], *, where: str = "") -> None:
        super().__init__(unknown(kind, name, available, where=where))
        self.name = name


def unknown(kind: str, name: str, available: Iterable[str], *, where: str = "") -> str:
    """The message for an unknown `name` of some `kind` ("method", "profile key"): nearest names, then all."""
    names = sorted(set(available))
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    message = f"unknown {kind} {name!r}" + (f" in {where}" if where else "")
    if near:
        message += f"; did you mean {' or '.join(repr(other) for other in near)}?"
    listed = ", ".join(names[:30]) + (f", ... ({len(names)} in all)" if len(names) > 30 else "")
    return f"{message} (available: {listed or 'none'})"
