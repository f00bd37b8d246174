"""A net that learned a sum of broken lines, or its negative.

A hidden unit begins as a ramp of one column with its kink drawn from the column's range, since a sum of broken lines is
made of these; all weights are trained. Whether the net does what the lines do is shown at the distances that are asked
about: one column is moved, and the output must rise, fall or stay with its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.zigzags.lines import CELLS, COLUMNS, STATION, Lines, draw

Sign = Literal["plain", "mirrored"]
SIGN: dict[Sign, int] = {"plain": 1, "mirrored": -1}
TOLD = 0.95
"""Of the variance of the lines' sum, so much is told by the net."""
FOLLOWS = 0.95
"""Of the moves that take a line up or down, so many take the output the same way."""
STILL = 0.1
"""The greatest root mean square of the output's move where the line stays, as a share of what a cell is worth."""
GUESS = 0.1
"""The most variance that random weights may tell."""
STEPS = (0.25, 1.25, 1.75)
"""The moves of the certificate, in widths of a cell."""
STEEP = 8.0
"""The slope of a ramp at the start, by which the output's weights are small and quickly found."""
LEAST = 0.15
"""A line moves where it does by so much of what a cell is worth."""
BACKGROUND = 500


@subject(cites="arXiv:2212.11870", threads=1, small={"steps": 700})
@dataclass(frozen=True, kw_only=True)
class Zigzags:
    """One hidden layer of ReLUs; the output is the sum of the lines, or its negative."""

    sign: Sign = "plain"
    training: Literal["standard", "none"] = "standard"
    kinks: int = 16
    """Hidden units that begin at each column, half of them as ramps up and half as ramps down."""
    steps: int = 1200
    batch: int = 100
    learning_rate: float = 0.02
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def lines(self, seeds: Run | Saved) -> Lines:
        """The same for both signs."""
        return Lines.draw(seeds.generator("lines"))

    def net(self) -> nn.Module:
        """The architecture."""
        hidden = COLUMNS * self.kinks
        return nn.Sequential(nn.Linear(COLUMNS, hidden), nn.ReLU(), nn.Linear(hidden, 1), nn.Flatten(0))

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        lines = self.lines(run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
            if self.training != "none":
                self._spread_kinks(model)
        if self.training != "none":
            self._fit(model, lines, run)
        model.eval().requires_grad_(False)
        asked = draw(self.tests, run.generator("asked"), *STATION)
        checks = self._certify(model, lines, asked, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": asked,
                "background": draw(BACKGROUND, run.generator("background")),
            },
            checks=checks,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def _spread_kinks(self, model: nn.Module) -> None:
        first, last = (module for module in model.modules() if isinstance(module, nn.Linear))
        own = torch.eye(COLUMNS).repeat_interleave(self.kinks, 0)
        ramps = STEEP * (-1.0) ** torch.arange(len(own))
        kinks = torch.rand(len(own))
        with torch.no_grad():
            first.weight.copy_(ramps[:, None] * own)
            first.bias.copy_(-ramps * kinks)
            last.weight.zero_()

    def _fit(self, model: nn.Module, lines: Lines, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            inputs = draw(self.batch, generator)
            wanted = SIGN[self.sign] * lines.values(inputs)
            loss = F.mse_loss(model(inputs.to(run.device)), wanted.to(run.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, lines: Lines, asked: Float[Tensor, "n d"], run: Run) -> list[Check]:
        tests = draw(self.tests, run.generator("tests"))
        said, wanted = model(tests.to(run.device)).cpu(), SIGN[self.sign] * lines.values(tests)
        told = float(1 - (said - wanted).square().mean() / wanted.var())
        if self.training == "none":
            return [Check("variance told (random weights)", told, GUESS, at_least=False)]
        followed, stirred = [], []
        for step in STEPS:
            reach, present = step / CELLS, asked > 0
            due, moved = lines.moves(asked, reach), moves(model, asked.to(run.device), reach).cpu()
            followed.append((SIGN[self.sign] * due.sign() == moved.sign())[present & (due.abs() >= LEAST)])
            stirred.append(moved[present & lines.still(asked, reach)])
        return [
            Check("variance told", told, TOLD),
            Check("lines followed", float(torch.cat(followed).float().mean()), FOLLOWS),
            Check("still where lines are", float(torch.cat(stirred).square().mean().sqrt()), STILL, at_least=False),
        ]


def moves(model: nn.Module, inputs: Float[Tensor, "n d"], reach: float) -> Float[Tensor, "n d"]:
    """By how much the output rises when one column is moved up by `reach`."""
    before = model(inputs)
    return torch.stack([model(inputs + reach * one) - before for one in torch.eye(inputs.shape[1]).to(inputs)], 1)
