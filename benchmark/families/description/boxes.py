"""Black boxes: functions that can only be asked, point by point, until the budget is spent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmark.errors import TouchstoneError
from benchmark.families.description.domains import Domain, Reals
from benchmark.families.description.languages import Answers


class BudgetExhausted(TouchstoneError):
    """A method asked a black box for more points than its budget holds."""


class _Counter:
    """What answers for a box: it counts and refuses, in the process that knows the function."""

    __slots__ = ("_answer", "_budget", "_domain", "_used")

    def __init__(self, answer: Callable[[Any], Any], domain: Domain, budget: int) -> None:
        self._answer, self._domain, self._budget, self._used = answer, domain, budget, 0

    def used(self) -> int:
        return self._used

    def answer(self, asked: Any) -> Answers:
        points = self._domain.admit(asked)
        count = self._domain.count(points)
        if count > self._budget - self._used:
            raise BudgetExhausted(
                f"got a query of {count} points, expected at most {self._budget - self._used}: "
                f"{self._used} of the budget of {self._budget} are spent"
            )
        self._used += count
        answers = np.asarray(self._answer(points))
        return answers.astype(np.float64) if answers.dtype.kind == "f" else answers


class BlackBox:
    """A function that can only be asked. Asking twice at one point gives the same answer and counts twice.

    A method holds a copy whose questions are answered, counted and refused by the process that posed the box.
    """

    __slots__ = ("__answer", "__used", "budget", "domain")

    def __init__(self, answer: Callable[[Any], Any], domain: Domain, budget: int) -> None:
        self.domain, self.budget = domain, budget
        counter = _Counter(answer, domain, budget)
        self._answered_by(counter.answer, counter.used)

    def __reduce__(self) -> tuple[Any, ...]:
        return _box, (self.domain, self.budget, self.__answer, self.__used)

    def _answered_by(self, answer: Callable[[Any], Any], used: Callable[[], int]) -> BlackBox:
        self.__answer: Callable[[Any], Any] = answer
        self.__used: Callable[[], int] = used
        return self

    def __eq__(self, other: object) -> bool:
        """Same domain and budget; what has been asked, and what would be answered, is not compared."""
        if not isinstance(other, BlackBox):
            return NotImplemented
        return (self.domain, self.budget) == (other.domain, other.budget)

    def __hash__(self) -> int:
        return hash((self.domain, self.budget))

    @property
    def low(self) -> float:
        """The least real number that may be asked for. Raises TouchstoneError where the domain is another."""
        return self._interval.low

    @property
    def high(self) -> float:
        """The greatest real number that may be asked for. Raises TouchstoneError where the domain is another."""
        return self._interval.high

    @property
    def _interval(self) -> Reals:
        if not isinstance(self.domain, Reals):
            raise TouchstoneError(f'got a box over {self.domain.name}; a method for reals says `requires=("reals",)`')
        return self.domain

    @property
    def used(self) -> int:
        """Points asked for so far."""
        return self.__used()

    @property
    def left(self) -> int:
        """Points that may still be asked for."""
        return self.budget - self.used

    def query(self, points: Any) -> Answers:
        """The box's answers at points of its domain: float64 in the shape of the points, or texts [n].

        Raises:
            BudgetExhausted: fewer points are left; nothing is answered or counted then.
            TouchstoneError: what was asked is no point of the domain.
        """
        return np.asarray(self.__answer(np.asarray(points)))


def _box(domain: Domain, budget: int, answer: Callable[[Any], Any], used: Callable[[], int]) -> BlackBox:
    """A box that has been counting elsewhere."""
    return BlackBox(answer, domain, budget)._answered_by(answer, used)
