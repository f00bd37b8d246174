"""A classifier of the tone, or of the chirp; the other one and the noise say nothing.

A convolutional net along time. Together, its first filters span all channels, as is usual: which of them a burst was in
is not known after the first layer. Apart, every channel has the same filters to itself, and the features of all are
summed at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.noise_audio.signals import LENGTH, MISSING, Noise, Signals, draw
from tasks.models.shared.training import predict

Reads = Literal["tone", "chirp"]
Listens = Literal["together", "apart"]
"""Whether the first filters span all channels, or each hears one of them, the same ones all."""
SIGNAL: dict[Reads, int] = {"tone": 0, "chirp": 1}
ENOUGH = 0.9
"""Of the certificate's shares: one recording in ten is room for bursts that the noise hides."""
SAME = 0.8
"""Of answers that stay in other noise: in either of two noises, one burst in ten may be hidden."""
GUESS = 2 / 3
"""The most that random weights may have: half-way between guessing, of three classes, and knowing."""
KERNELS = (15, 7, 5)
STRIDE = 2
BACKGROUND = 500


@subject(cites="arXiv:2406.12150", threads=1, small={"steps": 160})
@dataclass(frozen=True, kw_only=True)
class NoiseAudio:
    """Three logits: the tone, or the chirp, is low, is high, or is missing."""

    reads: Reads = "tone"
    """What is named."""
    training: Literal["standard", "none"] = "standard"
    listens: Listens = "together"
    noise: Noise = "white"
    strength: float = 0.15
    """Standard deviation of the noise, where a burst's greatest height is 1."""
    channels: int = 6
    width: int = 16
    """Filters of the first layer; the next ones have two and three times as many."""
    steps: int = 300
    batch: int = 32
    learning_rate: float = 5e-3
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def __post_init__(self) -> None:
        if self.channels < 2:
            raise TouchstoneError(f"channels: got {self.channels}, expected at least 2: one for each burst")

    def net(self) -> nn.Module:
        """Three convolutions along time, each with a ReLU, a sum over channels and time, and two linear layers."""
        spans, rows = (self.channels, 1) if self.listens == "together" else (1, self.channels)
        columns, size, layers = LENGTH, 1, []
        for depth, kernel in enumerate(KERNELS):
            columns = (columns - kernel) // STRIDE + 1
            wider = (depth + 1) * self.width
            layers += [nn.Conv2d(size, wider, (spans, kernel), stride=(1, STRIDE)), nn.ReLU()]
            spans, size = 1, wider
        return nn.Sequential(
            *layers,
            nn.AvgPool2d((rows, columns), divisor_override=4),  # a mean over all would start at next to nothing
            nn.Flatten(),
            nn.Linear(size, 32),
            nn.ReLU(),
            nn.Linear(32, 3),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        signals = self.draw(self.tests, run.generator("tests"))
        other = self.draw(self.tests, run.generator("exchanged"))
        checks, confirmed = self._certify(
            signals, other, lambda heard: predict(model, heard.waves().to(run.device)).cpu()
        )
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": signals.waves(),
                "classes": signals.classes,
                "confirmed": confirmed,
                "background": self.draw(BACKGROUND, run.generator("background")).waves(),
            },
            checks=checks,
            facts={"recordings confirmed": _share(confirmed)} if self.training != "none" else {},
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def signals(self, saved: Saved) -> Signals:
        """The test recordings, drawn again: what is where."""
        return self.draw(self.tests, saved.generator("tests"))

    def draw(self, count: int, generator: torch.Generator) -> Signals:
        """Recordings of this subject's distribution."""
        return draw(self.noise, self.strength, self.channels, count, generator)

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            signals = self.draw(self.batch, generator)
            labels = signals.classes[:, SIGNAL[self.reads]].to(run.device)
            loss = F.cross_entropy(model(signals.waves().to(run.device)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(
        self, signals: Signals, other: Signals, says: Callable[[Signals], Int[Tensor, " n"]]
    ) -> tuple[list[Check], Bool[Tensor, " n"]]:
        own = SIGNAL[self.reads]
        said = says(signals)
        right = said == signals.classes[:, own]
        if self.training == "none":
            return [Check("accuracy (random weights)", _share(right), GUESS, at_least=False)], torch.zeros_like(right)
        kept = says(signals.with_burst(1 - own, other)) == said
        spared = says(signals.with_noise(other)) == said
        followed = says(signals.with_burst(own, other)) == other.classes[:, own]
        missed = says(signals.without(own)) == MISSING
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("other burst ignored", _share(kept), ENOUGH),
            Check("noise ignored", _share(spared), SAME),
            Check("own burst followed", _share(followed), ENOUGH),
            Check("own burst missed", _share(missed), ENOUGH),
        ]
        return checks, right & kept & spared & followed & missed


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
