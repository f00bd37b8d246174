"""What black boxes do, and how far from it a program is. Only metrics and references see it.

    truth.errors(i, program) -> [m]      for each held-out point of box i; NaN where nothing was said
    truth.scale(i)                       what the best constant gets, in the same unit
    truth.extension                      the same on a larger domain, of which nobody could ask; None if there is none

The error of a number is the distance from the true one; that of a text, a label or a truth value is 0 or 1. Squared
and averaged, and divided by the squared scale, both say the same: 0 is the truth, 1 what a constant gets.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float64
from numpy import ndarray

from benchmark.families.description.domains import Points
from benchmark.families.description.languages import FORMULAS, Answers, Formulas, Language
from benchmark.language import ProgramError

EXACT = 0.01
"""A program says what a function is where its squared error stays below this share of the function's variance: an error
of a tenth of the standard deviation, which neither a table of as many cells as a formula has symbols nor a formula
that is merely similar comes near."""
TOLERANCE = 0.1
"""A program predicts a function where its squared error stays below this share of the function's variance (FIND's
threshold, there applied to the uncentred second moment, which a constant passes for one function in six)."""


@dataclass(frozen=True)
class DescriptionTruth:
    """What `n` boxes do on `m` held-out points of their domains each."""

    sentences: tuple[str, ...]
    programs: tuple[str, ...]
    """Canonical programs, as short as they can be said: what is allowed to be longer is measured against them."""
    plain: tuple[str, ...]
    """Canonical programs without the exceptions; the same text where there are none."""
    points: tuple[Points, ...]
    outputs: Answers
    """[n, m]: what the boxes answer on the average, noise left out."""
    departs: Bool[ndarray, "n m"]
    """The points at which a function departs from its plain form."""
    language: Language = FORMULAS
    extension: DescriptionTruth | None = None
    """What the boxes do on a larger domain that holds their own, for the same programs. Only a description of the rule
    holds there; what repeats or connects the answers ends where they do."""
    _answers: dict[tuple[int, str], Answers | None] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def exceptions(self) -> list[int]:
        """The functions that have an exception."""
        return [index for index, points in enumerate(self.departs) if points.any()]

    @property
    def numeric(self) -> bool:
        """Whether the boxes answer with numbers, which may be nearly right."""
        return self.outputs.dtype.kind in "iuf"

    @property
    def formulas(self) -> bool:
        """Whether programs are formulas of one real number."""
        return isinstance(self.language, Formulas)

    def scale(self, index: int) -> float:
        """The unit in which errors are measured, see `scale_of`."""
        return scale_of(self.outputs[index])

    def answers(self, index: int, program: str) -> Answers | None:
        """What a program says at the held-out points of a box; None where it has no value for all of them."""
        if (index, program) not in self._answers:
            self._answers[index, program] = self._run(index, program)
        return self._answers[index, program]

    def _run(self, index: int, program: str) -> Answers | None:
        try:
            return self.language.run(program, self.points[index]) if program else None
        except ProgramError:
            return None

    def errors(self, index: int, program: str) -> Float64[ndarray, " m"]:
        """How far from the true answers a program is at each held-out point of a box; NaN where it says nothing."""
        said = self.answers(index, program)
        return np.full(len(self.outputs[index]), np.nan) if said is None else distance(said, self.outputs[index])

    def share(self, index: int, program: str) -> float:
        """Mean squared error over the held-out points in units of the squared scale: 0 the truth, 1 the best constant;
        infinite where the program says nothing."""
        with np.errstate(over="ignore"):
            found = float(np.mean(self.errors(index, program) ** 2)) / self.scale(index) ** 2
        return found if np.isfinite(found) else np.inf


def distance(said: Answers, true: Answers) -> Float64[ndarray, " m"]:
    """|said - true| of numbers; of anything else 0 where they are equal and 1 where not."""
    if true.dtype.kind in "iuf":
        apart: Float64[ndarray, " m"] = np.abs(np.asarray(said, dtype=np.float64) - true)
        return apart
    return np.asarray(np.asarray(said) != true, dtype=np.float64)


def scale_of(outputs: Answers) -> float:
    """The root mean squared error of the best constant.

    For numbers the standard deviation over the domain, but at least a tenth of the root mean square, which matters for
    constants alone: a constant c counts as described by what lies within 0.03 |c|. For anything else the root of the
    share that the most frequent answer misses, at least one of the points.
    """
    if outputs.dtype.kind in "iuf":
        return float(max(outputs.std(), 0.1 * np.sqrt(np.mean(outputs**2)), 1e-12))
    most = np.unique(outputs, return_counts=True)[1].max()
    return float(np.sqrt(max(len(outputs) - most, 1) / len(outputs)))
