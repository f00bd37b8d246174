"""A net with an output for each rule, trained on fresh inputs, so that it learns the rules and no sample's accidents.

Whether it does is shown column by column: exchanged for that of another input, a column of a rule must move the output
as it moves the rule; all columns that are not of the rule, exchanged together, must leave it where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.planted_rules.rules import Planted, RuleSet, draw, planted

Reads = Literal["first", "second"]
READ: dict[Reads, int] = {"first": 0, "second": 1}
FOLLOWS = 0.8
"""Of every output: so much of the rule's variance is told by the net."""
COLUMN = 0.5
"""Of every column of every rule: so much of what its exchange does to the rule, it does to the output."""
IGNORES = 0.1
"""Of every output: so much of its variance, at most, comes from columns that are not of its rule."""
GUESS = 0.1
"""The most that random weights may tell of any rule."""
BACKGROUND = 500


@subject(cites="arXiv:2406.12150", threads=1, small={"steps": 1250, "noise": 5})
@dataclass(frozen=True, kw_only=True)
class PlantedRules:
    """A perceptron with two hidden layers; output k is to be rule k of columns that a seed draws."""

    rules: RuleSet = "formulas"
    reads: Reads = "first"
    """On which set of columns the rules stand; the other one, where there is one, says nothing."""
    training: Literal["standard", "none"] = "standard"
    copies: bool = False
    """Whether there are two sets of columns, drawn alike; else there is the first alone."""
    noise: int = 20
    """Columns that are nobody's."""
    rows: int = 0
    """Train on so many inputs again and again; 0: fresh ones at every step."""
    width: int = 256
    steps: int = 2500
    batch: int = 250
    learning_rate: float = 3e-3
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 2000

    def __post_init__(self) -> None:
        if self.reads == "second" and not self.copies:
            raise TouchstoneError('reads: got "second", but there is one set of columns; expected copies: true with it')

    def sets(self, seeds: Run | Saved) -> tuple[tuple[Planted, ...], int]:
        """The rules on each set of columns, and how many columns there are."""
        return planted(self.rules, self.noise, seeds.generator("columns"), copies=self.copies)

    def plant(self, seeds: Run | Saved) -> tuple[Planted, int]:
        """The rules on the columns that are read, and how many columns there are."""
        sets, width = self.sets(seeds)
        return sets[READ[self.reads]], width

    def net(self, inputs: int, outputs: int) -> nn.Module:
        """The architecture."""
        return nn.Sequential(
            nn.Linear(inputs, self.width),
            nn.ReLU(),
            nn.Linear(self.width, self.width),
            nn.ReLU(),
            nn.Linear(self.width, outputs),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        plant, width = self.plant(run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net(width, len(plant.rules)).to(run.device)
        if self.training != "none":
            self._fit(model, plant, width, run)
        model.eval().requires_grad_(False)
        tests = draw(self.tests, width, run.generator("tests"))
        checks, facts = self._certify(model, plant, tests, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={"inputs": tests, "background": draw(BACKGROUND, width, run.generator("background"))},
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        plant, width = self.plant(saved)
        model = self.net(width, len(plant.rules))
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def _fit(self, model: nn.Module, plant: Planted, width: int, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        kept = draw(self.rows, width, run.generator("rows")) if self.rows else None
        for step in range(self.steps):
            inputs = draw(self.batch, width, generator)
            if kept is not None:
                inputs = kept[torch.randint(len(kept), (self.batch,), generator=generator)]
            wanted = plant.values(inputs).to(run.device)
            loss = F.mse_loss(model(inputs.to(run.device)), wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(
        self, model: nn.Module, plant: Planted, tests: Float[Tensor, "n d"], run: Run
    ) -> tuple[list[Check], dict[str, float]]:
        said, wanted = model(tests.to(run.device)).cpu(), plant.values(tests)
        told = 1 - ((said - wanted) ** 2).mean(0) / wanted.var(0)
        if self.training == "none":
            return [Check("rules told (random weights)", float(told.max()), GUESS, at_least=False)], {}
        others = tests[torch.randperm(len(tests), generator=run.generator("exchanged"))]
        moved, followed = [], []
        for number, columns in enumerate(plant.places):
            rest = others.clone()
            rest[:, columns] = tests[:, columns]
            change = model(rest.to(run.device)).cpu()[:, number] - said[:, number]
            moved.append(float((change**2).mean() / (2 * said[:, number].var())))
            for column in columns.tolist():
                mixed = tests.clone()
                mixed[:, column] = others[:, column]
                change = model(mixed.to(run.device)).cpu()[:, number] - said[:, number]
                due = plant.value(number, mixed) - wanted[:, number]
                followed.append(float(1 - ((change - due) ** 2).mean() / (due**2).mean()))
        checks = [
            Check("rules told", float(told.min()), FOLLOWS),
            Check("columns followed", min(followed), COLUMN),
            Check("other columns ignored", max(moved), IGNORES, at_least=False),
        ]
        return checks, {"mean variance told": float(told.mean())}
