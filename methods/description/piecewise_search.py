"""Piecewise search: fit a rule, ask again where the answers contradict it, and describe the exception apart.

1  spread part of the budget; over all windows of neighbouring points, fit the library's shapes to what lies outside
2  if leaving a window out pays (BIC), bisect its two edges: is the answer there the rule's, or not?
3  ask the rest inside and in the widest gaps; without an exception, between the neighbours that differ most
4  fit the rule to everything outside, and inside the least of: a constant, the rule shifted, the rule mirrored
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from benchmark.families.description import BlackBox, Description, DescriptionQuestion, description_method
from benchmark.language import number_text, parse
from methods.description._library import Fit, best_fit
from methods.description._queries import number, spread
from methods.description._windows import best_window

Points = Float64[ndarray, " n"]
_FINEST = 2e-3
"""Share of the domain below which a jump is located well enough."""


@description_method(cites="arXiv:2309.03886", requires=("reals",))
def piecewise_search(
    question: DescriptionQuestion, *, first: float = 0.6, halvings: int = 6, terms: int = 2
) -> list[Description]:
    """`first`: the share of the budget that is spread; `halvings`: questions for each edge of an exception."""
    found = []
    for box in question.boxes:
        asked = _Asked(box, spread(box, max(4, int(first * box.left)), question.seed))
        window = best_window(asked.x, asked.y, box.low, box.high)
        edges = None if window is None else _edges(asked, window, halvings)
        if edges is not None:
            asked.ask(np.linspace(*edges, asked.left // 2 + 2)[1:-1])
        asked.spend(jumps=edges is None)
        tries = (_described(asked, *choice) for choice in ((edges, terms), (edges, 1), (None, 1), (None, 0)))
        found.append(next(d for d in tries if len(parse(d.program)) <= question.longest))
    return found


class _Asked:
    """What a box has answered so far, in ascending order."""

    def __init__(self, box: BlackBox, x: Points) -> None:
        self.box, self.x, self.y = box, x, box.query(x)

    @property
    def left(self) -> int:
        return self.box.left

    def ask(self, x: Points) -> Points:
        y: Points = self.box.query(x)
        order = np.argsort(merged := np.concatenate([self.x, x]), kind="stable")
        self.x, self.y = merged[order], np.concatenate([self.y, y])[order]
        return y

    def spend(self, *, jumps: bool) -> None:
        """Spend what is left, a point at a time, in the widest gap, or where neighbours differ most for their
        distance."""
        finest = _FINEST * (self.box.high - self.box.low)
        while self.left:
            gap = np.diff(self.x)
            surprise = np.where(gap > finest, np.abs(np.diff(self.y)) * np.sqrt(gap), 0.0) if jumps else gap
            place = int(np.argmax(surprise if surprise.max() > 0 else gap))
            self.ask(np.array([(self.x[place] + self.x[place + 1]) / 2]))


def _edges(asked: _Asked, window: tuple[int, int], halvings: int) -> tuple[float, float] | None:
    """Bisect both edges of a suspect window of points; None where the rule turns out to hold in it."""
    x, y, box = asked.x, asked.y, asked.box
    inside = np.zeros(len(x), dtype=bool)
    inside[window[0] : window[1] + 1] = True
    rule = best_fit(x, y, ~inside, box.low, box.high, terms=1)
    wrong = np.abs(y - rule(x))
    ordinary = float(np.median(wrong[~inside])) * 1.4826
    threshold = max(4 * ordinary, float(np.median(wrong[inside])) / 2, 1e-6 * float(y.std()))
    breaks = np.flatnonzero(inside & (wrong > threshold))
    if len(breaks) < 2:
        return None
    first, last = int(breaks[0]), int(breaks[-1])
    while first > 0 and wrong[first - 1] > threshold:
        first -= 1
    while last < len(x) - 1 and wrong[last + 1] > threshold:
        last += 1
    low = box.low if first == 0 else _bisected(asked, rule, threshold, x[first - 1], x[first], halvings)
    high = box.high if last == len(x) - 1 else _bisected(asked, rule, threshold, x[last + 1], x[last], halvings)
    return float(low), float(high)


def _bisected(asked: _Asked, rule: Fit, threshold: float, good: float, bad: float, halvings: int) -> float:
    """Where the rule ceases to hold between a point where it does and one where it does not."""
    for _ in range(min(halvings, asked.left)):
        middle = np.array([(good + bad) / 2])
        if abs(asked.ask(middle) - rule(middle))[0] > threshold:
            bad = float(middle[0])
        else:
            good = float(middle[0])
    return (good + bad) / 2


@dataclass(frozen=True)
class _Inside:
    """How the rule is broken: y = sign * rule + level, with sign 0 (stuck), 1 (shifted) or -1 (mirrored)."""

    sign: Literal[-1, 0, 1]
    level: float
    rss: float


def _described(asked: _Asked, edges: tuple[float, float] | None, terms: int) -> Description:
    """The description of least BIC, with the exception or without."""
    x, y, box = asked.x, asked.y, asked.box
    everything = np.ones(len(x), dtype=bool)
    whole = best_fit(x, y, everything, box.low, box.high, terms=terms)
    plain = Description(f"{whole.words[0].upper()}{whole.words[1:]}.", whole.program)
    if edges is None:
        return plain
    inside = (x >= edges[0]) & (x <= edges[1])
    if inside.sum() < 2 or (~inside).sum() < 8:
        return plain
    rule = best_fit(x, y, ~inside, box.low, box.high, terms=terms)
    broken = min((_broken(y[inside], rule(x[inside]), sign) for sign in (0, 1, -1)), key=lambda b: b.rss)
    count = len(x)
    parameters = 4 + sum(1 + len(t.theta) + len(t.coefficients) for t in rule.terms)
    noise = 1e-6 * max(float(y.var()), 1e-12)
    bic = count * float(np.log((rule.rss + broken.rss) / count + noise)) + parameters * float(np.log(count))
    if bic >= whole.bic:
        return plain
    where = f"{number(edges[0])} <= x <= {number(edges[1])}"
    level = number(broken.level)
    added = f"where({where}, {level}, 0)"
    how, program = {
        0: (f"it is about {broken.level:.4g}", f"if {where} then {level} else {rule.program}"),
        1: (f"it is shifted by {broken.level:.4g}", f"{rule.program} + {added}"),
        -1: (f"it is mirrored at {broken.level / 2:.4g}", f"({rule.program})*where({where}, -1, 1) + {added}"),
    }[broken.sign]
    low, high = (number_text(edge, 4) for edge in edges)
    text = f"{rule.words[0].upper()}{rule.words[1:]}; except between {low} and {high}, where {how}."
    return Description(text, program)


def _broken(y: Points, rule: Points, sign: Literal[-1, 0, 1]) -> _Inside:
    rest = y - sign * rule
    return _Inside(sign, float(rest.mean()), float(np.sum((rest - rest.mean()) ** 2)))
