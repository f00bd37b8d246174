"""Description: say in a sentence and a short program what a black box does, from a limited number of questions to it.

    method(subject: DescriptionSubject, *, ...) -> [Description(text, program), ...]      one for each box, in order

A box answers `box.query(x: [n]) -> y: [n]` on `[box.low, box.high]`, `box.budget` points in all. A program is written
in the safe language of `benchmark.language` and is judged by running it on points that were never asked for, against
what the box says there without noise. The task is that of FIND (Schwettmann et al. 2023, arXiv:2309.03886);
differences are stated where they arise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from numpy.typing import ArrayLike
from torch import Tensor

from benchmark.errors import InvalidExplanation, TouchstoneError
from benchmark.language import ProgramError, evaluate, parse, to_text
from benchmark.plugins import method_decorator, task_decorator

__all__ = [
    "TOLERANCE",
    "BlackBox",
    "BudgetExhausted",
    "Description",
    "DescriptionExplanation",
    "DescriptionSubject",
    "DescriptionTruth",
    "check",
    "count_calls",
    "description_method",
    "description_task",
    "predictions",
]

description_method = method_decorator("description")
description_task = task_decorator("description")

TOLERANCE = 0.1
"""A program predicts a function where its squared error stays below this share of the function's variance (FIND's
threshold, there applied to the uncentred second moment, which a constant passes for one function in six)."""

LONGEST_TEXT = 2_000
"""Characters of one sentence."""


class BudgetExhausted(TouchstoneError):
    """A method asked a black box for more points than its budget holds."""


class _Counter:
    """What answers for a box: it counts and refuses, in the process that knows the function."""

    __slots__ = ("_answer", "_budget", "_high", "_low", "_used")

    def __init__(self, answer: Callable[[Any], Any], low: float, high: float, budget: int) -> None:
        self._answer, self._low, self._high, self._budget, self._used = answer, low, high, budget, 0

    def used(self) -> int:
        return self._used

    def answer(self, x: ArrayLike) -> Float64[ndarray, "*shape"]:
        points = np.array(x, dtype=np.float64)
        if not (np.isfinite(points).all() and (points >= self._low).all() and (points <= self._high).all()):
            raise TouchstoneError(
                f"got points from {points.min():.6g} to {points.max():.6g}, "
                f"expected finite ones in [{self._low:g}, {self._high:g}]"
            )
        if points.size > self._budget - self._used:
            raise BudgetExhausted(
                f"got a query of {points.size} points, expected at most {self._budget - self._used}: "
                f"{self._used} of the budget of {self._budget} are spent"
            )
        self._used += points.size
        return np.asarray(self._answer(points), dtype=np.float64)


class BlackBox:
    """A function that can only be asked. Asking twice at one point gives the same answer and counts twice.

    A method holds a copy whose questions are answered, counted and refused by the process that posed the box.
    """

    __slots__ = ("__answer", "__used", "budget", "high", "low")

    def __init__(self, answer: Callable[[Any], Any], low: float, high: float, budget: int) -> None:
        self.low, self.high, self.budget = low, high, budget
        counter = _Counter(answer, low, high, budget)
        self._answered_by(counter.answer, counter.used)

    def __reduce__(self) -> tuple[Any, ...]:
        return _box, (self.low, self.high, self.budget, self.__answer, self.__used)

    def _answered_by(self, answer: Callable[[Any], Any], used: Callable[[], int]) -> BlackBox:
        self.__answer: Callable[[Any], Any] = answer
        self.__used: Callable[[], int] = used
        return self

    def __eq__(self, other: object) -> bool:
        """Same domain and budget; what has been asked, and what would be answered, is not compared."""
        if not isinstance(other, BlackBox):
            return NotImplemented
        return (self.low, self.high, self.budget) == (other.low, other.high, other.budget)

    def __hash__(self) -> int:
        return hash((self.low, self.high, self.budget))

    @property
    def used(self) -> int:
        """Points asked for so far."""
        return self.__used()

    @property
    def left(self) -> int:
        """Points that may still be asked for."""
        return self.budget - self.used

    def query(self, x: ArrayLike) -> Float64[ndarray, "*shape"]:
        """The box's answers at the points `x`.

        Raises:
            BudgetExhausted: fewer points are left; nothing is answered or counted then.
            TouchstoneError: a point is not finite or outside [low, high].
        """
        return np.asarray(self.__answer(np.asarray(x, dtype=np.float64)))


def _box(low: float, high: float, budget: int, answer: Callable[[Any], Any], used: Callable[[], int]) -> BlackBox:
    """A box that has been counting elsewhere."""
    return BlackBox(answer, low, high, budget)._answered_by(answer, used)


@dataclass(frozen=True)
class DescriptionSubject:
    """What a method sees: black boxes, a seed for its own random draws, and how long a program may be."""

    boxes: tuple[BlackBox, ...]
    seed: int
    longest: int = 64
    """Instructions of one program. Longer ones are refused: a table of the answers is no description."""


@dataclass(frozen=True)
class Description:
    """What a method returns for one box."""

    text: str
    """A sentence for people; it is shown, not judged."""
    program: str
    """A program in the language of `benchmark.language`; it is judged."""


@dataclass(frozen=True)
class DescriptionExplanation:
    """What is stored: line i of each text belongs to box i."""

    texts: str
    programs: str
    """In canonical form; an empty line where the program was refused."""
    problems: str
    """Why a program was refused; an empty line where it was not. A refused program counts as one that predicts
    nothing."""
    queries: Int64[Tensor, " n"]
    """Points asked of each box, as the boxes counted them."""


@dataclass(frozen=True)
class DescriptionTruth:
    """What the boxes do, on `points` held-out midpoints of their domains. Only metrics and references see it."""

    sentences: tuple[str, ...]
    programs: tuple[str, ...]
    """Canonical programs."""
    plain: tuple[str, ...]
    """Canonical programs without the exceptions; the same text where there are none."""
    domains: tuple[tuple[float, float], ...]
    intervals: tuple[tuple[float, float] | None, ...]
    """Where a function departs from its plain form."""
    outputs: Float64[ndarray, "n m"]
    """What the boxes answer on the average, noise left out."""

    @property
    def exceptions(self) -> list[int]:
        """The functions that have an exception."""
        return [index for index, interval in enumerate(self.intervals) if interval is not None]

    @property
    def points(self) -> int:
        """Held-out points per function."""
        return int(self.outputs.shape[1])

    def inputs(self, index: int) -> Float64[ndarray, " m"]:
        """The held-out points of one function."""
        return grid(*self.domains[index], self.points)

    def inside(self, index: int) -> Bool[ndarray, " m"]:
        """Which held-out points lie in the function's exception."""
        x, interval = self.inputs(index), self.intervals[index]
        return np.zeros(len(x), dtype=bool) if interval is None else (x >= interval[0]) & (x <= interval[1])

    def scale(self, index: int) -> float:
        """The unit in which errors are measured, see `scale_of`."""
        return scale_of(self.outputs[index])


def grid(low: float, high: float, points: int) -> Float64[ndarray, " m"]:
    """The midpoints of `points` equal cells of [low, high]."""
    return low + (np.arange(points) + 0.5) * ((high - low) / points)


def scale_of(outputs: Float64[ndarray, " m"]) -> float:
    """The standard deviation of a function over its domain, but at least a tenth of its root mean square.

    The second part matters for constants alone: a constant c counts as described by what lies within 0.03 |c|.
    """
    return float(max(outputs.std(), 0.1 * np.sqrt(np.mean(outputs**2)), 1e-12))


def check(raw: Any, posed: DescriptionSubject) -> DescriptionExplanation:
    """Validate a method's descriptions. A refused program is recorded with its reason; a wrong number of them is an
    error."""
    refused: list[str] = []
    if isinstance(raw, DescriptionExplanation):
        refused = raw.problems.split("\n")
        raw = list(zip(raw.texts.split("\n"), raw.programs.split("\n"), strict=False))
    if not isinstance(raw, Sequence) or isinstance(raw, str) or len(raw) != len(posed.boxes):
        got = f"{len(raw)} in a {type(raw).__name__}" if hasattr(raw, "__len__") else type(raw).__name__
        raise InvalidExplanation(f"got {got}, expected a list of {len(posed.boxes)} descriptions, one for each box")
    texts, programs, problems = [], [], []
    for index, item in enumerate(raw):
        parts = (item.text, item.program) if isinstance(item, Description) else item
        if not isinstance(parts, tuple) or len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise InvalidExplanation(
                f"got {type(item).__name__} for box {index}, "
                "expected a Description or a tuple (text, program) of two texts"
            )
        text, program, problem = _checked(parts[0], parts[1], posed.longest)
        if not program and index < len(refused):
            problem = refused[index] or problem
        texts.append(text)
        programs.append(program)
        problems.append(problem)
    queries = torch.tensor([box.used for box in posed.boxes], dtype=torch.int64)
    return DescriptionExplanation("\n".join(texts), "\n".join(programs), "\n".join(problems), queries)


def _checked(text: str, program: str, longest: int) -> tuple[str, str, str]:
    """The sentence on one line, the program in canonical form, and why the description is refused (empty if it is
    not)."""
    sentence = " ".join(text[:LONGEST_TEXT].split())
    if len(text) > LONGEST_TEXT:
        return sentence, "", f"got a text of {len(text)} characters, expected at most {LONGEST_TEXT}"
    if not sentence:
        return sentence, "", "got an empty text, expected a sentence"
    try:
        parsed = parse(program)
        canonical = to_text(parsed)
        parse(canonical)
    except ProgramError as error:
        return sentence, "", " ".join(str(error).split())
    if len(parsed) > longest:
        return sentence, "", f"got a program of {len(parsed)} instructions, expected at most {longest}"
    return sentence, canonical, ""


def count_calls(posed: Sequence[DescriptionSubject]) -> Callable[[], int]:
    """How many points the boxes of these subjects have been asked for, as a function to call afterwards."""
    return lambda: sum(box.used for subject in posed for box in subject.boxes)


def predictions(explanation: DescriptionExplanation, truth: DescriptionTruth) -> Float64[ndarray, "n m"]:
    """What the programs say at the held-out points; a row of NaN where a program is missing or not finite
    everywhere."""
    lines = explanation.programs.split("\n")
    return np.stack([values(line, *truth.domains[i], truth.points) for i, line in enumerate(lines)])


@functools.lru_cache(maxsize=4096)
def values(program: str, low: float, high: float, points: int) -> Float64[ndarray, " m"]:
    """A program's values at the held-out points of a domain, all NaN where it has none."""
    try:
        result = evaluate(parse(program), grid(low, high, points))
    except ProgramError:
        result = np.full(points, np.nan)
    result.setflags(write=False)
    return result
