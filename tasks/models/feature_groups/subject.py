"""A net with two outputs, each a sum over its own groups of the same columns, trained on fresh inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved, Trained, subject
from tasks.models.feature_groups.certificate import certify
from tasks.models.feature_groups.units import OUTPUTS, Plant, draw

COLUMNS = 24
"""In groups, whatever their size."""
BACKGROUND = 500


@subject(cites="arXiv:2409.13684", threads=1, small={"steps": 600, "tests": 400})
@dataclass(frozen=True, kw_only=True)
class FeatureGroups:
    """A perceptron with two hidden layers."""

    size: int = 4
    """Columns of a group; there are 24 columns in groups."""
    noise: int = 8
    """Columns in no group."""
    training: Literal["standard", "none"] = "standard"
    width: int = 128
    steps: int = 1200
    batch: int = 250
    learning_rate: float = 6e-3
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def __post_init__(self) -> None:
        if not 2 <= self.size <= COLUMNS // 2 or COLUMNS % self.size:
            sizes = [size for size in range(2, COLUMNS // 2 + 1) if COLUMNS % size == 0]
            raise TouchstoneError(f"size: got {self.size}, expected a divisor of {COLUMNS} that makes groups: {sizes}")

    def plant(self, seeds: Run | Saved) -> Plant:
        """Which columns act together."""
        return Plant.draw(COLUMNS // self.size, self.size, self.noise, seeds.generator("groups"))

    def net(self) -> nn.Module:
        """The architecture."""
        return nn.Sequential(
            *(nn.Linear(COLUMNS + self.noise, self.width), nn.ReLU()),
            *(nn.Linear(self.width, self.width), nn.ReLU()),
            nn.Linear(self.width, OUTPUTS),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        plant = self.plant(run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, plant, run)
        model.eval().requires_grad_(False)
        inputs = draw(self.tests, plant.width, run.generator("tests"))
        checks, facts = certify(model, plant, inputs, run, trained=self.training != "none")
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={"inputs": inputs, "background": draw(BACKGROUND, plant.width, run.generator("background"))},
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def _fit(self, model: nn.Module, plant: Plant, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            inputs = draw(self.batch, plant.width, generator)
            loss = F.mse_loss(model(inputs.to(run.device)), plant.values(inputs).to(run.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))
