"""A classifier of one event of a series; the other event has a class of its own, which says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.time_series.nets import Architecture, Gated, cnn
from tasks.models.time_series.series import CHANNELS, WINDOW, Kind, Series, draw

Reads = Literal["first", "second"]
EVENT: dict[Reads, int] = {"first": 0, "second": 1}
ENOUGH = 0.9
"""Of the certificate's shares: one series in ten is room for events that the noise hides."""
GUESS = 0.75
"""The most that random weights may have: of two classes they favour one."""
BACKGROUND = 200
POOL = 50
"""Batches drawn at once for training; none is used twice."""


@subject(cites="arXiv:2003.02821", threads=1, small={"steps": 400})
@dataclass(frozen=True, kw_only=True)
class TimeSeries:
    """Two logits for the class of an event."""

    reads: Reads = "first"
    """Which event."""
    training: Literal["standard", "none"] = "standard"
    architecture: Architecture = "cnn"
    kind: Kind = "spike"
    length: int = 32
    delay: int = 12
    """So many steps follow those in which spikes may fall."""
    width: int = 16
    kernel: int = 9
    """Steps under a filter of the convolutional net."""
    steps: int = 500
    batch: int = 128
    learning_rate: float = 0.01
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def __post_init__(self) -> None:
        if not 0 <= self.delay <= self.length - WINDOW:
            raise TouchstoneError(
                f"delay: got {self.delay} steps, expected 0 to {self.length - WINDOW}: spikes take {WINDOW} of the"
                f" {self.length} steps"
            )

    def draw(self, count: int, seeds: Run | Saved, generator: torch.Generator) -> Series:
        """Series of this subject's distribution; the order of the channels is the seed's."""
        order = torch.randperm(CHANNELS, generator=seeds.generator("channels"))
        return draw(self.kind, count, self.length, self.delay, order, generator)

    def net(self) -> nn.Module:
        """The architecture."""
        if self.architecture == "rnn":
            return Gated(CHANNELS, self.length, self.width)
        return cnn(CHANNELS, self.length, self.width, self.kernel)

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        series = self.draw(self.tests, run, run.generator("tests"))
        checks, confirmed = self._certify(model, series, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": series.inputs(),
                "classes": series.classes,
                "confirmed": confirmed,
                "background": self.draw(BACKGROUND, run, run.generator("background")).inputs(),
            },
            checks=checks,
            facts={"inputs confirmed": _share(confirmed)} if self.training != "none" else {},
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def series(self, saved: Saved) -> Series:
        """The test series, drawn again: what is where."""
        return self.draw(self.tests, saved, saved.generator("tests"))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        inputs, labels = torch.empty(0), torch.empty(0)
        for step in range(self.steps):
            if step % POOL == 0:
                series = self.draw(min(POOL, self.steps - step) * self.batch, run, generator)
                inputs, labels = series.inputs().to(run.device), series.classes[:, EVENT[self.reads]].to(run.device)
            start = step % POOL * self.batch
            loss = F.cross_entropy(model(inputs[start : start + self.batch]), labels[start : start + self.batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, series: Series, run: Run) -> tuple[list[Check], Bool[Tensor, " n"]]:
        event = EVENT[self.reads]
        said = self._says(model, series, run)
        right = said == series.classes[:, event]
        if self.training == "none":
            return [Check("accuracy (random weights)", _share(right), GUESS, at_least=False)], torch.zeros_like(right)
        others = self.draw(self.tests, run, run.generator("exchanged"))
        signs = 2.0 * torch.randint(2, (self.tests, CHANNELS), generator=run.generator("signs")) - 1
        if self.kind == "state":
            ours, theirs = (series.with_class(which, 1 - series.classes[:, which]) for which in (event, 1 - event))
        else:
            ours, theirs = (series.with_event_of(which, others) for which in (event, 1 - event))
        followed = self._says(model, ours, run) == ours.classes[:, event]
        kept = self._says(model, theirs, run) == said
        same = self._says(model, series.with_ground_of(others, signs), run) == said
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("own event followed", _share(followed), ENOUGH),
            Check("other event ignored", _share(kept), ENOUGH),
            Check("ground ignored", _share(same), ENOUGH),
        ]
        confirmed = right & followed & kept & same
        if self.kind != "band":
            marked = self._says(model, series.with_marks_exchanged(), run) == series.classes[:, 1 - event]
            checks.append(Check("marks followed", _share(marked), ENOUGH))
            confirmed &= marked
        return checks, confirmed

    def _says(self, model: nn.Module, series: Series, run: Run) -> Int[Tensor, " n"]:
        return torch.as_tensor(model(series.inputs().to(run.device)).argmax(1).cpu())


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
