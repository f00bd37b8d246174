"""A linear or small net that names the class of one of two pairs, with the suppressor's help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.suppressors.plant import SUPPRESSOR, Drawn, Pair, Plant

Reads = Literal["first", "second"]
PAIR: dict[Reads, int] = {"first": 0, "second": 1}
AGREES = 0.95
"""Of the best linear score's answers, so many are the net's."""
FOLLOWS = 0.9
"""Of the inputs on which the best score's answer changes with another suppressor, so often does the net's."""
GUESS = 0.75
"""The most that random weights may agree: they may favour a class."""
BACKGROUND = 2000
"""Inputs that methods may see. Patterns are estimated from them: the error of a covariance is one in their root."""


@subject(cites="arXiv:2306.01464", threads=1, small={"steps": 400})
@dataclass(frozen=True, kw_only=True)
class Suppressors:
    """Two logits for the class of a pair."""

    reads: Reads = "first"
    """Which pair."""
    training: Literal["standard", "none"] = "standard"
    architecture: Literal["linear", "mlp"] = "linear"
    correlation: float = 0.8
    """Between the noise of the class column and its suppressor."""
    noise: int = 16
    """Columns that say nothing. Of few columns, random weights may go the right way by chance."""
    width: int = 64
    steps: int = 1500
    batch: int = 500
    learning_rate: float = 0.01
    tests: int = 2000

    def plant(self, seeds: Run | Saved) -> Plant:
        """Where the columns stand; the same for both readers."""
        return Plant.draw(Pair(c=self.correlation), self.noise, seeds.generator("columns"))

    def net(self, inputs: int) -> nn.Module:
        """The architecture."""
        if self.architecture == "linear":
            return nn.Sequential(nn.Linear(inputs, 2))
        return nn.Sequential(nn.Linear(inputs, self.width), nn.ReLU(), nn.Linear(self.width, 2))

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        plant = self.plant(run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net(plant.width).to(run.device)
        if self.training != "none":
            self._fit(model, plant, run)
        model.eval().requires_grad_(False)
        drawn = plant.inputs(self.tests, run.generator("tests"))
        checks, facts = self._certify(model, plant, drawn, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": drawn.inputs,
                "classes": drawn.classes,
                "background": plant.inputs(BACKGROUND, run.generator("background")).inputs,
            },
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net(self.plant(saved).width)
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def _fit(self, model: nn.Module, plant: Plant, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        generator = run.generator("train")
        for step in range(self.steps):
            drawn = plant.inputs(self.batch, generator)
            labels = drawn.classes[:, PAIR[self.reads]].to(run.device)
            loss = F.cross_entropy(model(drawn.inputs.to(run.device)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, plant: Plant, drawn: Drawn, run: Run) -> tuple[list[Check], dict[str, float]]:
        which = PAIR[self.reads]
        inputs, generator = drawn.inputs, run.generator("exchanged")
        said, best = self._says(model, inputs, run), plant.best(inputs, which)
        if self.training == "none":
            return [Check("agreement (random weights)", _share(said == best), GUESS, at_least=False)], {}
        others = inputs[torch.randperm(len(inputs), generator=generator)]
        rest = others.clone()
        rest[:, plant.columns[which]] = inputs[:, plant.columns[which]]
        kept = self._says(model, rest, run) == said
        changed = inputs.clone()
        changed[:, plant.columns[which, SUPPRESSOR]] = others[:, plant.columns[which, SUPPRESSOR]]
        due = plant.best(changed, which) != best
        moved = self._says(model, changed, run) == plant.best(changed, which)
        checks = [
            Check("agreement with the best linear score", _share(said == best), AGREES),
            Check("other columns ignored", _share(kept), AGREES),
        ]
        if self.correlation:
            checks.append(Check("suppressor followed", _share(moved[due]), FOLLOWS))
        right = _share(said == drawn.classes[:, which])
        return checks, {"accuracy": right, "accuracy of the best linear score": plant.pair.accuracy}

    def _says(self, model: nn.Module, inputs: Float[Tensor, "n d"], run: Run) -> Tensor:
        return torch.as_tensor(model(inputs.to(run.device)).argmax(1).cpu())


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
