"""A small language in which some words have several senses.

    c7 f1 s3 f4 w5   ->   next two tokens: one of two that go with this sense of w5, then the style s3 again

A context word belongs to one of several topics, and the topic decides the sense of a homonym; which topics go with
which sense is another thing for each homonym. So neither the word, nor a context word, nor a topic tells a sense
alone: two topics of four go with each of two senses, and three words with each topic. Plain words have one sense in
every context. The style is there for something else to be known of the same place, and fillers say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

BEFORE, CONTEXT, STYLE = 4, 4, 2
"""Places before the word, and how far back the context word and the style stand; the others are fillers."""
TOPICS_A_SENSE = 2
WORDS_A_TOPIC = 3
STYLES, FILLERS = 6, 6
HOMONYMS, PLAIN = 6, 6
CONTINUATIONS, A_SENSE = 12, 2
"""Tokens that may follow, and how many of them go with one sense; those of two senses of a word are others."""


@dataclass(frozen=True)
class Language:
    """What means what: drawn once for a seed."""

    senses: int
    of: Int[Tensor, "words topics"]
    """The sense of each word under each topic, homonyms first; 0 for all plain words."""
    follow: Int[Tensor, "words senses two"]
    """Which tokens go with each sense."""

    @classmethod
    def drawn(cls, senses: int, generator: torch.Generator) -> Language:
        """A language of homonyms with so many senses each, at most 6."""
        topics = TOPICS_A_SENSE * senses
        of = torch.rand(HOMONYMS, topics, generator=generator).argsort(1) // TOPICS_A_SENSE
        order = torch.rand(HOMONYMS + PLAIN, CONTINUATIONS, generator=generator).argsort(1)
        follow = order[:, : senses * A_SENSE].reshape(-1, senses, A_SENSE)
        return cls(senses, torch.cat([of, torch.zeros(PLAIN, topics, dtype=torch.long)]), follow)

    @property
    def topics(self) -> int:
        """How many topics there are."""
        return self.of.shape[1]

    @property
    def vocabulary(self) -> int:
        """All tokens that are read: context words, styles, fillers, words."""
        return self.topics * WORDS_A_TOPIC + STYLES + FILLERS + HOMONYMS + PLAIN

    def draw(self, count: int, generator: torch.Generator) -> Sentences:
        """Draw sentences; words, topics and styles are independent and equally likely."""

        def any_of(many: int) -> Tensor:
            return torch.randint(many, (count,), generator=generator)

        return Sentences(
            language=self,
            word=any_of(HOMONYMS + PLAIN),
            topic=any_of(self.topics),
            which=any_of(WORDS_A_TOPIC),
            style=any_of(STYLES),
            fill=torch.randint(FILLERS, (count, BEFORE), generator=generator),
            said=any_of(A_SENSE),
        )


@dataclass(frozen=True, eq=False)
class Sentences:
    """Sentences of a language, up to the word."""

    language: Language
    word: Int[Tensor, " n"]
    topic: Int[Tensor, " n"]
    which: Int[Tensor, " n"]
    """Of the context words of the topic."""
    style: Int[Tensor, " n"]
    fill: Int[Tensor, "n before"]
    said: Int[Tensor, " n"]
    """Which of the tokens that go with the sense follows."""

    @property
    def tokens(self) -> Int[Tensor, "n t"]:
        """What is read."""
        styles = self.language.topics * WORDS_A_TOPIC
        body = self.fill + styles + STYLES
        body[:, BEFORE - CONTEXT] = self.topic * WORDS_A_TOPIC + self.which
        body[:, BEFORE - STYLE] = self.style + styles
        return torch.cat([body, (self.word + styles + STYLES + FILLERS)[:, None]], 1)

    @property
    def sense(self) -> Int[Tensor, " n"]:
        """The sense of the word."""
        return self.language.of[self.word, self.topic]

    @property
    def fitting(self) -> Int[Tensor, "n two"]:
        """Tokens that go with this sense of the word."""
        return self.language.follow[self.word, self.sense]

    @property
    def next(self) -> Int[Tensor, " n"]:
        """The token that follows."""
        return self.fitting.gather(1, self.said[:, None])[:, 0]

    @property
    def on(self) -> Bool[Tensor, "n g"]:
        """Which homonym stands there in which sense: its senses side by side."""
        number = self.word * self.language.senses + self.sense
        return number[:, None] == torch.arange(HOMONYMS * self.language.senses)

    def under(self, topic: Int[Tensor, " n"]) -> Sentences:
        """The same with a context word of another topic."""
        return replace(self, topic=topic)
