"""What all rules say of their sequences.

    [ body: keys with what belongs to them ] [ two keys ] [ ? ... ? ]

A sequence asks two questions of the same kind, "what belongs to this key?"; each has an answer of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from jaxtyping import Bool, Int
from torch import Tensor

QUESTIONS = 2


class Sequences(Protocol):
    """Sequences in the parts that they are made of."""

    @property
    def tokens(self) -> Int[Tensor, "n t"]:
        """What a net reads."""

    @property
    def answers(self) -> Int[Tensor, "n 2"]:
        """The class that each question asks for."""

    @property
    def address(self) -> Bool[Tensor, "n 2 t"]:
        """By which places the answer to each question is found: the key that is asked for, and where it stands."""

    @property
    def used(self) -> Bool[Tensor, "n 2 t"]:
        """On which places each answer depends: the address, and what belongs to the key."""

    @property
    def associated(self) -> Bool[Tensor, "n 2 t"]:
        """Places of the body whose tokens have to do with an answer, whatever a net reads."""

    def redrawn(self, question: int, generator: torch.Generator) -> Sequences:
        """The same where the answer to one question depends on it, drawn anew elsewhere."""

    def exchanged(self, question: int, generator: torch.Generator) -> Mapping[str, Sequences]:
        """One part of what an answer depends on, exchanged for another that might have stood there."""


class Law(Protocol):
    """A distribution of sequences."""

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""

    @property
    def places(self) -> int:
        """How long a sequence is."""

    @property
    def body(self) -> int:
        """How many of them come before the questions."""

    @property
    def glances(self) -> tuple[int, int]:
        """How far apart tokens lie of which one tells what the other is: where a net's heads may start out looking."""

    @property
    def classes(self) -> int:
        """How many answers there are."""

    def draw(self, count: int, generator: torch.Generator) -> Sequences:
        """Draw sequences."""


def drawn_orders(count: int, length: int, generator: torch.Generator) -> Int[Tensor, "n length"]:
    """Permutations, all equally likely."""
    return torch.rand(count, length, generator=generator).argsort(1)


def drawn_other(taken: Int[Tensor, "n k"], count: int, generator: torch.Generator) -> Int[Tensor, " n"]:
    """For each row one of `count` numbers that is not taken."""
    rank = torch.rand(len(taken), count, generator=generator).scatter(1, taken, -1.0)
    return rank.argmax(1)


def with_number(
    order: Int[Tensor, "n length"], at: Int[Tensor, " n"], number: Int[Tensor, " n"]
) -> Int[Tensor, "n length"]:
    """Permutations with `number` at `at`; what stood there goes where the number stood."""
    was = (order == number[:, None]).int().argmax(1, keepdim=True)
    at = at[:, None]
    return order.scatter(1, was, order.gather(1, at)).scatter(1, at, number[:, None])


def marked(length: int, *places: Int[Tensor, "n 2"]) -> Bool[Tensor, "n 2 length"]:
    """For both questions, which places of a sequence these are."""
    found = torch.zeros(*places[0].shape, length, dtype=torch.bool)
    return found.scatter(2, torch.stack(places, dim=2), True)
