"""Images of two digits: a low one (0 to 4) and a high one (5 to 9), stacked in random order.

    +--------+        +--------+
    |  low   |        |  high  |         [1, 56, 28], pixels in [0, 1]; both digits and which one is on top are drawn
    +--------+   or   +--------+         independently of each other
    |  high  |        |  low   |
    +--------+        +--------+

Both digits are coded 0 to 4 (a high one by its value less 5). Where a 2 stands on a 7, both codes are 2: whoever reads
the one digit and whoever reads the other give the same answer to the same image, and only their weights differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tasks.models.shared.stacking import compose

Reads = Literal["low", "high"]
CODES = 5
"""Digits in each group, and classes of each classifier."""


@dataclass(frozen=True, eq=False)
class Group:
    """The low or the high digits, with their codes 0 to 4."""

    digits: Float[Tensor, "m 28 28"]
    codes: Int[Tensor, " m"]


@dataclass(frozen=True, eq=False)
class Groups:
    """Both groups of a set of digits."""

    low: Group
    high: Group


def groups(digits: Float[Tensor, "m 28 28"], labels: Int[Tensor, " m"]) -> Groups:
    """Part digits labelled 0 to 9 into the low and the high ones."""
    return Groups(*(Group(digits[own], labels[own] % CODES) for own in (labels < CODES, labels >= CODES)))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Which two digits each image shows, and which one is on top."""

    groups: Groups
    low: Int[Tensor, " n"]
    """Which of the low digits."""
    high: Int[Tensor, " n"]
    tops: Bool[Tensor, " n"]
    """Whether the low digit is on top."""

    def images(self) -> Float[Tensor, "n 1 56 28"]:
        """The images, on the CPU."""
        return compose(self.groups.low.digits[self.low], self.groups.high.digits[self.high], self.tops)

    def codes(self, reads: Reads) -> Int[Tensor, " n"]:
        """The codes of the low, or of the high digits."""
        return self.groups.low.codes[self.low] if reads == "low" else self.groups.high.codes[self.high]

    def exchange(self, what: Reads, count: int, other_code: bool, generator: torch.Generator) -> Iterator[Pairs]:
        """The same images, `count` times, with another low (or high) digit drawn in the place of each.

        With `other_code` the new digits have other codes than the old ones; else any digit of the group but the same
        will do. Nothing else changes, so that every image is one that the pairs could have been.
        """
        group, old = (self.groups.low, self.low) if what == "low" else (self.groups.high, self.high)
        allowed = torch.ones(len(old), len(group.codes))
        if other_code:
            allowed[group.codes[None] == group.codes[old][:, None]] = 0
        allowed[torch.arange(len(old)), old] = 0
        for drawn in allowed.multinomial(count, generator=generator).T:
            yield replace(self, low=drawn) if what == "low" else replace(self, high=drawn)


def draw_pairs(groups: Groups, count: int, generator: torch.Generator) -> Pairs:
    """`count` images: every digit as often as any other of its group, its partner and the order at random."""
    low, high = (torch.randperm(count, generator=generator) % len(group.codes) for group in (groups.low, groups.high))
    return Pairs(groups, low, high, torch.rand(count, generator=generator) < 0.5)
