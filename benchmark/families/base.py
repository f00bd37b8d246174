"""What every family module offers to the stages, and the little they share.

A family module `benchmark/families/<family>.py` holds

    <Family>Subject, <Family>Truth, <Family>Explanation     frozen dataclasses
    <family>_method, <family>_task                          decorators
    check(raw, posed) -> Explanation                        validates what a method returned
    random, oracle, ...                                     functions marked `@reference`
    count_calls(posed) -> () -> int                         optional: how often the models were asked

Beside it stand `benchmark/trivial/<family>.py` and `benchmark/pictures/<family>.py`,
and nothing in the stages, the Snakefile or the page is special to one family.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Case:
    """One explanation with all that a picture needs: the instance, the method, the truth and the scores."""

    task: str
    variant: str
    seed: int
    method: str
    posed: Any
    truth: Any
    explanation: Any
    scores: Mapping[str, float]
    """Metric to value; the primary metric comes first."""


@dataclass(frozen=True)
class Picture:
    """A figure for the page. `name` becomes part of a file name; `caption` is a sentence of plain text."""

    name: str
    title: str
    caption: str
    figure: Figure
