"""A small transformer that reads words with several senses and says what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, generator_for, subject
from tasks.models.homonyms.language import BEFORE, CONTEXT, CONTINUATIONS, HOMONYMS, STYLE, STYLES, Language, Sentences
from tasks.models.shared.transformer import Transformer

ENOUGH = 0.9
"""Of the certificate's shares: nine of ten is no guess."""
SPLITS = ("train", "validation", "test")


class Reader(Transformer):
    """One layer of attention; the stream behind it at the word is all that the next two tokens are read from."""

    def stream(self, inputs: Float[Tensor, "n vocabulary places"]) -> Float[Tensor, "n d"]:
        """Activations at the word."""
        behind: Tensor = self.layers(self.embed(inputs.mT))[:, -1]
        return behind

    def said(self, stream: Float[Tensor, "n d"]) -> tuple[Float[Tensor, "n next"], Float[Tensor, "n styles"]]:
        """Logits of the next token, and of the one behind it."""
        logits = self.read(self.norm(stream))
        return logits[:, :CONTINUATIONS], logits[:, CONTINUATIONS:]


@subject(cites="arXiv:2501.06254", threads=1, small={"steps": 300, "rows": 3000, "held_out": 1500})
@dataclass(frozen=True, kw_only=True)
class Homonyms:
    """Logits for what follows a word whose sense the context decides."""

    senses: int = 2
    """Of each homonym; their context words come from twice as many topics."""
    training: Literal["standard", "none"] = "standard"
    width: int = 32
    hidden: int = 128
    steps: int = 600
    batch: int = 128
    learning_rate: float = 0.005
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    rows: int = 10000
    held_out: int = 3000
    """Rows of validation, and of test."""

    def language(self, seed: int) -> Language:
        """What means what in the language of a seed."""
        if not 2 <= self.senses <= 4:
            raise TouchstoneError(f"got senses={self.senses}, expected 2, 3 or 4")
        return Language.drawn(self.senses, generator_for(seed, "language"))

    def sentences(self, seed: int, split: str) -> Sentences:
        """The sentences of a split, drawn again."""
        count = self.rows if split == "train" else self.held_out
        return self.language(seed).draw(count, generator_for(seed, split))

    def net(self, vocabulary: int) -> Reader:
        """The architecture."""
        return Reader(
            vocabulary,
            BEFORE + 1,
            CONTINUATIONS + STYLES,
            glances=(CONTEXT, STYLE),
            width=self.width,
            layers=1,
            hidden=self.hidden,
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed, and keep what the net makes of the sentences."""
        language = self.language(run.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net(language.vocabulary).to(run.device)
        if self.training != "none":
            self._fit(model, language, run)
        model.eval().requires_grad_(False)
        public = {}
        for split in SPLITS:
            tokens = self.sentences(run.seed, split).tokens
            public[split] = model.stream(encoded(tokens, language.vocabulary).to(run.device)).cpu()
            public[f"{split}_tokens"] = tokens.to(torch.uint8)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public=public,
            checks=self._certify(model, public["validation"], run),
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net(self.language(saved.seed).vocabulary)
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def _fit(self, model: Reader, language: Language, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate, fused=True)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("sentences")
        for step in range(self.steps):
            drawn = language.draw(self.batch, generator)
            said = model.said(model.stream(encoded(drawn.tokens, language.vocabulary).to(run.device)))
            due = drawn.next.to(run.device), drawn.style.to(run.device)
            loss = F.cross_entropy(said[0], due[0]) + F.cross_entropy(said[1], due[1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: Reader, seen: Float[Tensor, "v d"], run: Run) -> list[Check]:
        """What is said of the test sentences that end in a homonym, as they are and with one thing exchanged."""
        every = self.sentences(run.seed, "test")
        sentences = taken(every, every.word < HOMONYMS)
        stream = self._stream(model, sentences, run)
        right = said_right(model, stream, sentences)
        if self.training == "none":
            return [Check("sense told (random weights)", share(right), 0.75, at_least=False)]
        shift = torch.randint(1, self.senses, (len(right),), generator=run.generator("other sense"))
        other = (sentences.sense + shift) % self.senses
        means = self._means(seen, run)
        moved = stream.cpu() + means[sentences.word, other] - means[sentences.word, sentences.sense]
        elsewhere = sentences.under(_topic_of(sentences, other))
        alike = sentences.under(_topic_of(sentences, sentences.sense, but=sentences.topic))
        styles = model.said(moved.to(stream))[1].argmax(1).cpu() == sentences.style
        rarest = torch.stack([self.sentences(run.seed, split).on.sum(0).min() for split in SPLITS[1:]]).min()
        return [
            Check("sense told", share(right), ENOUGH),
            Check("context followed to another sense", self._share(model, elsewhere, run), ENOUGH),
            Check("context ignored within a sense", self._share(model, alike, run), ENOUGH),
            Check(
                "difference of the senses' means followed",
                share(said_right(model, moved.to(stream), elsewhere)),
                ENOUGH,
            ),
            Check("style kept by the difference of the senses' means", share(styles), ENOUGH),
            Check("rows_of_the_rarest_sense", float(rarest), 20),
        ]

    def _means(self, seen: Float[Tensor, "v d"], run: Run) -> Float[Tensor, "words senses d"]:
        """The mean activation of each sense of each homonym in the validation rows."""
        on = self.sentences(run.seed, "validation").on.float()
        means = on.T @ seen / on.sum(0).clamp(min=1)[:, None]
        return means.reshape(HOMONYMS, self.senses, -1)

    def _stream(self, model: Reader, sentences: Sentences, run: Run) -> Tensor:
        return model.stream(encoded(sentences.tokens, sentences.language.vocabulary).to(run.device))

    def _share(self, model: Reader, sentences: Sentences, run: Run) -> float:
        return share(said_right(model, self._stream(model, sentences, run), sentences))


def encoded(tokens: Int[Tensor, "n t"], vocabulary: int) -> Float[Tensor, "n vocabulary t"]:
    """What the net reads: a column a place, with a one for its token."""
    return F.one_hot(tokens.long(), vocabulary).mT.float()


def taken(sentences: Sentences, rows: Bool[Tensor, " n"]) -> Sentences:
    """Some of the sentences."""
    fields = {name: value[rows] for name, value in vars(sentences).items() if isinstance(value, Tensor)}
    return Sentences(language=sentences.language, **fields)


def said_right(model: Reader, stream: Float[Tensor, "n d"], sentences: Sentences) -> Bool[Tensor, " n"]:
    """Whether more than half of the next token's probability is on what goes with the sense."""
    probability = model.said(stream)[0].softmax(1).cpu()
    return probability.gather(1, sentences.fitting).sum(1) > 0.5


def _topic_of(
    sentences: Sentences, sense: Int[Tensor, " n"], but: Int[Tensor, " n"] | None = None
) -> Int[Tensor, " n"]:
    """The first topic under which the word has this sense, and which is not `but`."""
    fits = sentences.language.of[sentences.word] == sense[:, None]
    if but is not None:
        fits = fits.scatter(1, but[:, None], False)
    return fits.int().argmax(1)


def share(values: Bool[Tensor, " n"]) -> float:
    """The share of rows in which it is so."""
    return float(values.float().mean())
