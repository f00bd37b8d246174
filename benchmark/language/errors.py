"""Why a program was refused. Every message names the place, what stood there and what would have been accepted."""

from __future__ import annotations

from benchmark.errors import TouchstoneError


class ProgramError(TouchstoneError):
    """A program that is refused, whatever the reason."""


class ProgramSyntaxError(ProgramError):
    """The text is not in the grammar."""


class ProgramLimitError(ProgramError):
    """The program is longer, deeper, larger or more expensive than the limits allow."""


class ProgramValueError(ProgramError):
    """The program yields something that is not a finite number."""
