"""A net that adds up what half of the cells show.

The other half is cut off: the weights that would read it are 0 before, during and after training, so that the output
does not depend on it at all. Without the cut a trained net ignores it all but for little, which is another thing to a
test: it finds any difference, however small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.shifted_cells.cells import GRID, Drawn, Form, Plant

Reads = Literal["first", "second"]
READ: dict[Reads, int] = {"first": 0, "second": 1}
TOLD = 0.99
"""Of the rule's variance, so much is told by the net."""
CELL = 0.95
"""Of every cell that is read: so much of what its exchange does to the rule, it does to the output."""
IGNORES = 0.01
"""So much of the output's variance, at most, comes from cells that are not read, where they are not cut off."""
GUESS = 0.1
"""The most that random weights may tell."""
TAIL = 3.0
"""Noise seldom shows more, in standard deviations."""
BACKGROUND = 1000


@subject(cites="arXiv:1904.00045", threads=1, small={"steps": 300})
@dataclass(frozen=True, kw_only=True)
class ShiftedCells:
    """A perceptron over a table, or a convolutional net over an image, with one output."""

    reads: Reads = "first"
    """Which half of the cells."""
    training: Literal["standard", "none"] = "standard"
    form: Form = "table"
    shift: float = 3.0
    """The effect: by how many standard deviations of the noise a cell is shifted that shows something."""
    cut: bool = True
    """Whether the other half is cut off."""
    kinks: int = 8
    """Hidden units of the perceptron for each cell that is read."""
    channels: int = 8
    """Maps of the convolutional net, whose windows are the cells."""
    steps: int = 600
    batch: int = 100
    learning_rate: float = 0.02
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def plant(self, seeds: Run | Saved) -> Plant:
        """The cells; the same for both readers."""
        return Plant.draw(self.form, self.shift, seeds.generator("cells"))

    def net(self, cells: int) -> nn.Module:
        """The architecture."""
        if self.form == "table":
            hidden = self.kinks * cells // 2
            return nn.Sequential(nn.Linear(cells, hidden), nn.ReLU(), nn.Linear(hidden, 1), nn.Flatten(0))
        return nn.Sequential(
            *(nn.Conv2d(1, self.channels, 2, stride=2), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(self.channels * GRID * GRID, 1), nn.Flatten(0)),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        plant = self.plant(run)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net(plant.read.numel()).to(run.device)
            if self.training != "none" and self.form == "table":
                self._spread_kinks(model, plant)
        if self.training != "none":
            if self.cut:
                self._cut(model, plant)
            self._fit(model, plant, run)
        model.eval().requires_grad_(False)
        drawn = plant.inputs(self.tests, run.generator("tests"))
        checks = self._certify(model, plant, drawn, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": drawn.inputs,
                "background": plant.inputs(BACKGROUND, run.generator("background"), shown=0.0).inputs,
            },
            checks=checks,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net(self.plant(saved).read.numel())
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def drawn(self, saved: Saved) -> Drawn:
        """The test inputs, drawn again: which cells are shifted."""
        return self.plant(saved).inputs(self.tests, saved.generator("tests"))

    def _spread_kinks(self, model: nn.Module, plant: Plant) -> None:
        """Begin with ramps of one cell each, up and down, their kinks over what cells show."""
        first, last = (module for module in model.modules() if isinstance(module, nn.Linear))
        own = torch.eye(plant.read.numel())[plant.read[READ[self.reads]]].repeat(self.kinks, 1)
        ramps = (-1.0) ** torch.arange(len(own)).div(len(own) // self.kinks, rounding_mode="floor")
        kinks = torch.rand(len(own)) * (self.shift + 2 * TAIL) - TAIL
        with torch.no_grad():
            first.weight.copy_(ramps[:, None] * own)
            first.bias.copy_(-ramps * kinks)
            last.weight.zero_()

    def _cut(self, model: nn.Module, plant: Plant) -> None:
        """Hold the weights that read other cells at 0."""
        layer = next(module for module in model.modules() if isinstance(module, nn.Linear))
        read = plant.is_read(READ[self.reads]).to(layer.weight)
        kept = read.repeat(layer.in_features // len(read))
        with torch.no_grad():
            layer.weight.mul_(kept)
        layer.weight.register_hook(lambda gradient: gradient * kept)

    def _fit(self, model: nn.Module, plant: Plant, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            inputs = plant.inputs(self.batch, generator).inputs
            wanted = plant.values(inputs, READ[self.reads])
            loss = F.mse_loss(model(inputs.to(run.device)), wanted.to(run.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, plant: Plant, drawn: Drawn, run: Run) -> list[Check]:
        which = READ[self.reads]
        inputs = drawn.inputs
        said, wanted = self._says(model, inputs, run), plant.values(inputs, which)
        told = float(1 - (said - wanted).square().mean() / wanted.var())
        if self.training == "none":
            return [Check("variance told (random weights)", told, GUESS, at_least=False)]
        others = inputs[torch.randperm(len(inputs), generator=run.generator("exchanged"))]
        read = plant.is_read(which)
        rest = torch.where(plant.entries(read[None]), inputs, others)
        stirred = float((self._says(model, rest, run) - said).square().mean() / (2 * said.var()))
        followed = []
        for cell in plant.read[which].tolist():
            one = torch.zeros(1, len(read), dtype=torch.bool).index_fill_(1, torch.tensor([cell]), True)
            mixed = torch.where(plant.entries(one), others, inputs)
            change, due = self._says(model, mixed, run) - said, plant.values(mixed, which) - wanted
            followed.append(float(1 - (change - due).square().mean() / due.square().mean()))
        ignored = ("other cells cut off", 0.0) if self.cut else ("other cells ignored", IGNORES)
        return [
            Check("variance told", told, TOLD),
            Check("cells followed", min(followed), CELL),
            Check(ignored[0], stirred, ignored[1], at_least=False),
        ]

    def _says(self, model: nn.Module, inputs: Float[Tensor, "n ..."], run: Run) -> Float[Tensor, " n"]:
        return torch.as_tensor(model(inputs.to(run.device)).cpu())
