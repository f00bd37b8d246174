"""A small transformer that answers one of the two questions of a sequence; the other has an answer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.shared.transformer import Transformer
from tasks.models.token_dependencies.lookups import Lookups
from tasks.models.token_dependencies.negations import Negations
from tasks.models.token_dependencies.sequences import QUESTIONS, Law, Sequences

Reads = Literal["first", "second"]
QUESTION: dict[Reads, int] = {"first": 0, "second": 1}
ENOUGH = 0.9
"""Of the certificate's shares: a net that finds nine of ten answers by the right tokens does not guess."""
GUESS = 0.75
"""The most that random weights may have: half-way between guessing one of two classes and knowing."""
BACKGROUND = 100


@subject(cites="arXiv:2209.11895", threads=1, small={"steps": 200})
@dataclass(frozen=True, kw_only=True)
class TokenDependencies:
    """Logits for the answer to one question, read at the last two places, of which each could give either answer."""

    rule: Literal["lookup", "induction", "negation"] = "lookup"
    reads: Reads = "first"
    """Which question."""
    training: Literal["standard", "none"] = "standard"
    distance: int = 3
    """From a key to its value; from a modifier to its word."""
    slots: int = 6
    """Twice the number of pairs, where there are pairs."""
    width: int = 32
    steps: int = 300
    batch: int = 64
    learning_rate: float = 0.01
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    @property
    def law(self) -> Law:
        """The distribution of the sequences; the same for both readers."""
        if self.rule == "negation":
            return Negations(self.distance)
        return Lookups(self.distance, self.slots, scattered=self.rule == "induction")

    def net(self) -> nn.Module:
        """The architecture."""
        law = self.law
        return Transformer(
            law.vocabulary, law.places, law.classes, width=self.width, read=QUESTIONS, glances=law.glances
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        sequences = self.law.draw(self.tests, run.generator("tests"))
        checks, confirmed = self._certify(model, sequences, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "tokens": sequences.tokens,
                "answers": sequences.answers,
                "confirmed": confirmed,
                "background": self.law.draw(BACKGROUND, run.generator("background")).tokens,
            },
            checks=checks,
            facts={"inputs confirmed": _share(confirmed)} if self.training != "none" else {},
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def encoded(self, tokens: Int[Tensor, "n t"]) -> Float[Tensor, "n vocabulary t"]:
        """What the net reads: a column a place, with a one for its token."""
        return F.one_hot(tokens, self.law.vocabulary).mT.float()

    def sequences(self, saved: Saved) -> Sequences:
        """The test sequences, drawn again: what is where."""
        return self.law.draw(self.tests, saved.generator("tests"))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate, fused=True)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            sequences = self.law.draw(self.batch, generator)
            answers = sequences.answers[:, QUESTION[self.reads]].to(run.device)
            loss = F.cross_entropy(model(self.encoded(sequences.tokens.to(run.device))), answers)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, sequences: Sequences, run: Run) -> tuple[list[Check], Bool[Tensor, " n"]]:
        """Of an exchange, the inputs count on which it changes the answer."""
        question, generator = QUESTION[self.reads], run.generator("exchanged")
        said, due = self._says(model, sequences, run), sequences.answers[:, question]
        right = said == due
        if self.training == "none":
            return [Check("accuracy (random weights)", _share(right), GUESS, at_least=False)], torch.zeros_like(right)
        kept = self._says(model, sequences.redrawn(question, generator), run) == said
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("all other tokens ignored", _share(kept), ENOUGH),
        ]
        confirmed = right & kept
        for name, changed in sequences.exchanged(question, generator).items():
            answers = changed.answers[:, question]
            followed = self._says(model, changed, run) == answers
            checks.append(Check(f"{name} followed", _share(followed[answers != due]), ENOUGH))
            confirmed &= followed
        return checks, confirmed

    def _says(self, model: nn.Module, sequences: Sequences, run: Run) -> Int[Tensor, " n"]:
        return torch.as_tensor(model(self.encoded(sequences.tokens.to(run.device))).argmax(1).cpu())


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
