"""Two clauses, each with an aspect, a judging word, and a modifier that turns it or does not: is the aspect praised?

    distance 4:   f not f food f good | very very f room f bad | ? ?       the answers are no (food) and no (room)

The modifier of a word stands `distance` places before it, always; what stands elsewhere, a modifier too, is out of its
scope. The aspect stands two places before the word. One question is about the one aspect, the other about the other,
whichever comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from tasks.models.token_dependencies.sequences import QUESTIONS, drawn_orders, marked

BEHIND = 2
"""Places from an aspect to its word."""
WORDS, FILLERS = 4, 6
"""Tokens of each kind; the first half of the words praises."""
TURNING, KEEPING = WORDS, WORDS + 1
FIRST_ASPECT = WORDS + 2
FIRST_FILLER = FIRST_ASPECT + QUESTIONS
TURNED = 0.3
"""So many words are turned: seldom enough for the word alone to tell something, from which a net can set out."""
STRAY = 0.3
"""So many of the places between hold a modifier out of scope."""


@dataclass(frozen=True)
class Negations:
    """The law of these sequences."""

    distance: int

    def __post_init__(self) -> None:
        if self.distance < 1 or self.distance == BEHIND:
            raise TouchstoneError(
                f"got a modifier {self.distance} places before its word, expected at least 1, and not {BEHIND}, where"
                " the aspect stands"
            )

    @property
    def clause(self) -> int:
        """Places of a clause."""
        return max(self.distance, BEHIND) + 2

    @property
    def vocabulary(self) -> int:
        """All tokens, and "?"."""
        return FIRST_FILLER + FILLERS + 1

    @property
    def classes(self) -> int:
        """Blamed or praised."""
        return 2

    @property
    def body(self) -> int:
        """How many places come before "?"."""
        return QUESTIONS * self.clause

    @property
    def places(self) -> int:
        """All places."""
        return self.body + QUESTIONS

    @property
    def glances(self) -> tuple[int, int]:
        """From a word to its modifier, and to its aspect."""
        return self.distance, BEHIND

    def draw(self, count: int, generator: torch.Generator) -> Clauses:
        """Draw sequences."""
        size = (count, self.body)
        fill = FIRST_FILLER + torch.randint(FILLERS, size, generator=generator)
        stray = torch.randint(TURNING, KEEPING + 1, size, generator=generator)
        return Clauses(
            law=self,
            words=torch.randint(WORDS, (count, QUESTIONS), generator=generator),
            turned=torch.rand(count, QUESTIONS, generator=generator) < TURNED,
            order=drawn_orders(count, QUESTIONS, generator),
            fill=torch.where(torch.rand(size, generator=generator) < STRAY, stray, fill),
        )


@dataclass(frozen=True, eq=False)
class Clauses:
    """Sequences of a law; of each aspect, in the order of the questions."""

    law: Negations
    words: Int[Tensor, "n 2"]
    turned: Bool[Tensor, "n 2"]
    """Whether the modifier turns the word into its contrary."""
    order: Int[Tensor, "n 2"]
    """In which clause."""
    fill: Int[Tensor, "n body"]
    """What stands elsewhere."""

    @property
    def tokens(self) -> Int[Tensor, "n t"]:
        """The clauses, and "?"."""
        word = self._word
        aspects = (FIRST_ASPECT + torch.arange(QUESTIONS)).expand_as(word)
        body = self.fill.scatter(1, word, self.words).scatter(1, word - BEHIND, aspects)
        body = body.scatter(1, word - self.law.distance, torch.where(self.turned, TURNING, KEEPING))
        return torch.cat([body, torch.full((len(body), QUESTIONS), self.law.vocabulary - 1)], 1)

    @property
    def answers(self) -> Int[Tensor, "n 2"]:
        """1 where the aspect is praised."""
        return ((self.words < WORDS // 2) ^ self.turned).long()

    @property
    def address(self) -> Bool[Tensor, "n 2 t"]:
        """The aspect."""
        return marked(self.law.places, self._word - BEHIND)

    @property
    def used(self) -> Bool[Tensor, "n 2 t"]:
        """The aspect, the word, and its modifier."""
        word = self._word
        return marked(self.law.places, word - BEHIND, word, word - self.law.distance)

    @property
    def associated(self) -> Bool[Tensor, "n 2 t"]:
        """Both words: each may be that of the question. Modifiers say nothing alone, for words are even."""
        return marked(self.law.places, self._word, self._word.flip(1))

    @property
    def _word(self) -> Int[Tensor, "n 2"]:
        """Where the judging words stand."""
        return self.law.clause * (1 + self.order) - 1

    def redrawn(self, question: int, generator: torch.Generator) -> Clauses:
        """Another word and modifier of the other aspect, and other tokens around all of them; the places stay."""
        fresh = self.law.draw(len(self.words), generator)
        own = torch.arange(QUESTIONS) == question
        return replace(
            fresh,
            words=torch.where(own, self.words, fresh.words),
            turned=torch.where(own, self.turned, fresh.turned),
            order=self.order,
        )

    def exchanged(self, question: int, generator: torch.Generator) -> Mapping[str, Clauses]:
        """A word of the other kind; the other modifier; the two aspects exchanged."""
        own = torch.arange(QUESTIONS) == question
        others = torch.randint(WORDS // 2, self.words.shape, generator=generator)
        contrary = torch.where(self.words < WORDS // 2, WORDS // 2 + others, others)
        return {
            "word": replace(self, words=torch.where(own, contrary, self.words)),
            "modifier": replace(self, turned=self.turned ^ own),
            "key": replace(self, words=self.words.flip(1), turned=self.turned.flip(1), order=self.order.flip(1)),
        }
