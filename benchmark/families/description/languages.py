"""The languages in which descriptions are written, one for each kind of box.

    language.canonical(program) -> str               one line; refuses what is not in the language, or too large
    language.length(program) -> int                  the description length
    language.run(program, points) -> answers [n]     refuses what takes too long or has no value

A language belongs to the task, like the domain. Programs are run on the held-out points by whoever scores, so a
language must be safe: its programs end, read nothing but their input, and fail with a ProgramError alone. `FORMULAS`
is the language of real functions, `benchmark.language`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from benchmark.families.description.domains import Points
from benchmark.language import evaluate, parse, to_text

Answers = Any  # an array [n]: numbers, texts or truth values


class Language(Protocol):
    """A safe language for what boxes of one kind compute."""

    def canonical(self, program: str) -> str:
        """The program in the form in which it is kept: one line, and `canonical(canonical(p)) == canonical(p)`.

        Raises ProgramError for what is no program.
        """

    def length(self, program: str) -> int:
        """Description length of a canonical program."""

    def run(self, program: str, points: Points) -> Answers:
        """One answer for each point. Raises ProgramError where there is none."""


@dataclass(frozen=True)
class Formulas:
    """Functions of one real number, see `benchmark.language`; the length is the number of instructions."""

    def canonical(self, program: str) -> str:
        """See `Language`."""
        text = to_text(parse(program))
        parse(text)
        return text

    def length(self, program: str) -> int:
        """See `Language`."""
        return len(parse(program))

    def run(self, program: str, points: Points) -> Answers:
        """See `Language`."""
        return evaluate(parse(program), points)


FORMULAS = Formulas()
