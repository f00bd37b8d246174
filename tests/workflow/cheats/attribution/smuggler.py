"""A cheat: a library beside it whose code runs where it is imported, which must not be in the engine."""

from __future__ import annotations

import smuggled
from methods.attribution._spoils import answer

from benchmark.families.attribution import attribution_method


@attribution_method(cites="a test")
def smuggler(question):
    """Answer with what the library found."""
    return answer(question, smuggled.FOUND or None)
