"""Keys with values some places behind them, and two keys at the end whose values are asked for.

    distance 2:   k1 v6 v1 v4 k3 k4 v3 v2 ...   k3 k1 ? ?       the answers are v3 and v1

The value of a key stands `distance` places behind it, and so does each answer behind the key that is asked for: the
sequence goes on as it began. Half of the slots hold a pair, the others two tokens that are no keys, so that guessing
among the tokens that are shown gains little, and no net settles for it. Two rules are of this form:

    lookup       keys and values have alphabets of their own
    induction    one alphabet, and slots that begin anywhere: what came after the token, when it was there before?
                 (Olsson et al. 2022, arXiv:2209.11895)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.token_dependencies.sequences import QUESTIONS, drawn_orders, drawn_other, marked, with_number

KEYS, VALUES = 8, 8
"""Tokens of a lookup."""
ALPHABET = 16
"""Tokens of an induction."""
SHIFTS = 4
"""From so many places an induction may begin."""


@dataclass(frozen=True)
class Lookups:
    """The law of these sequences."""

    distance: int
    slots: int = 6
    """Twice the number of pairs."""
    scattered: bool = False
    """Whether it is an induction."""

    def __post_init__(self) -> None:
        if self.distance < QUESTIONS or self.slots % self.distance or not QUESTIONS < self.pairs <= KEYS:
            raise TouchstoneError(
                f"got {self.slots} slots at distance {self.distance}, expected {2 * QUESTIONS + 2} to {2 * KEYS + 1},"
                f" a multiple of the distance, which is at least {QUESTIONS}"
            )

    @property
    def pairs(self) -> int:
        """How many keys have a value."""
        return self.slots // 2

    @property
    def names(self) -> int:
        """How many tokens can be a key."""
        return ALPHABET if self.scattered else KEYS

    @property
    def free(self) -> int:
        """How many tokens are no keys, once these are drawn."""
        return ALPHABET - self.pairs if self.scattered else VALUES

    @property
    def vocabulary(self) -> int:
        """All tokens, and "?"."""
        return self.names + (0 if self.scattered else self.free) + 1

    @property
    def classes(self) -> int:
        """All tokens that can be a value."""
        return ALPHABET if self.scattered else self.free

    @property
    def body(self) -> int:
        """How many places come before the keys that are asked for."""
        return 2 * self.slots + (SHIFTS - 1) * self.scattered

    @property
    def places(self) -> int:
        """All places."""
        return self.body + QUESTIONS + self.distance

    @property
    def glances(self) -> tuple[int, int]:
        """From a value to its key, and to the next token."""
        return self.distance, 1

    def draw(self, count: int, generator: torch.Generator) -> Pairs:
        """Draw sequences; a token is the key of one pair at most, and keys stand nowhere else."""
        slots = drawn_orders(count, self.slots, generator)[:, : self.pairs]
        shifts = torch.zeros(count, 1, dtype=torch.long)
        if self.scattered:
            shifts = torch.randint(SHIFTS, (count, 1), generator=generator)
        return Pairs(
            law=self,
            order=drawn_orders(count, self.names, generator),
            values=torch.randint(self.free, (count, self.pairs), generator=generator),
            fill=torch.randint(self.free, (count, self.body), generator=generator),
            keys=slots // self.distance * 2 * self.distance + slots % self.distance + shifts,
            asked=drawn_orders(count, self.pairs, generator)[:, :QUESTIONS],
        )


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sequences of a law."""

    law: Lookups
    order: Int[Tensor, "n names"]
    """The first ones are the keys of the pairs."""
    values: Int[Tensor, "n pairs"]
    """Among the tokens that are no keys."""
    fill: Int[Tensor, "n body"]
    """What stands where no pair does; likewise."""
    keys: Int[Tensor, "n pairs"]
    """At which places."""
    asked: Int[Tensor, "n 2"]
    """Which pairs."""

    @property
    def _free(self) -> Int[Tensor, "n free"]:
        """The tokens that are no keys."""
        if self.law.scattered:
            return self.order[:, self.law.pairs :]
        return (KEYS + torch.arange(self.law.free)).expand(len(self.order), -1)

    @property
    def tokens(self) -> Int[Tensor, "n t"]:
        """Pairs and what stands between them, the keys that are asked for, and "?"."""
        free, law = self._free, self.law
        names = self.order[:, : law.pairs]
        body = free.gather(1, self.fill).scatter(1, self.keys, names)
        body = body.scatter(1, self.keys + law.distance, free.gather(1, self.values))
        marks = torch.full((len(body), law.distance), law.vocabulary - 1)
        return torch.cat([body, names.gather(1, self.asked), marks], 1)

    @property
    def answers(self) -> Int[Tensor, "n 2"]:
        """The value of each key that is asked for."""
        return self._answering - (0 if self.law.scattered else KEYS)

    @property
    def _answering(self) -> Int[Tensor, "n 2"]:
        """The token that is the answer."""
        return self._free.gather(1, self.values.gather(1, self.asked))

    @property
    def address(self) -> Bool[Tensor, "n 2 t"]:
        """The key that is asked for, and the same in its pair."""
        return marked(self.law.places, self._asking, self.keys.gather(1, self.asked))

    @property
    def used(self) -> Bool[Tensor, "n 2 t"]:
        """The address, and the value."""
        found = self.keys.gather(1, self.asked)
        return marked(self.law.places, self._asking, found, found + self.law.distance)

    @property
    def associated(self) -> Bool[Tensor, "n 2 t"]:
        """Where the body shows the answer's token."""
        shown = self.tokens[:, None] == self._answering[:, :, None]
        return shown & (torch.arange(self.law.places) < self.law.body)

    @property
    def _asking(self) -> Int[Tensor, "n 2"]:
        return (self.law.body + torch.arange(QUESTIONS)).expand(len(self.asked), -1)

    def redrawn(self, question: int, generator: torch.Generator) -> Pairs:
        """Other keys, values and tokens in between, and another key in the other question; the places stay."""
        fresh = self.law.draw(len(self.order), generator)
        own = self.asked[:, question]
        value = _at(self.values, own)
        order = with_number(fresh.order, own, _at(self.order, own))
        if self.law.scattered:
            order = with_number(order, self.law.pairs + value, _at(self._free, value))
        asked = torch.stack([own, drawn_other(own[:, None], self.law.pairs, generator)], 1)
        return replace(
            fresh,
            order=order,
            values=fresh.values.scatter(1, own[:, None], value[:, None]),
            keys=self.keys,
            asked=asked if question == 0 else asked.flip(1),
        )

    def exchanged(self, question: int, generator: torch.Generator) -> Mapping[str, Pairs]:
        """Another value; another key asked for; the keys of two pairs exchanged."""
        own = self.asked[:, question]
        value = drawn_other(self.values.gather(1, own[:, None]), self.law.free, generator)
        other = drawn_other(self.asked, self.law.pairs, generator)
        asked = self.asked.clone()
        asked[:, question] = other
        return {
            "value": replace(self, values=self.values.scatter(1, own[:, None], value[:, None])),
            "query": replace(self, asked=asked),
            "key": replace(self, order=with_number(self.order, own, _at(self.order, other)), asked=asked),
        }


def _at(rows: Int[Tensor, "n k"], place: Int[Tensor, " n"]) -> Int[Tensor, " n"]:
    """The number at one place of each row."""
    return rows.gather(1, place[:, None])[:, 0]
