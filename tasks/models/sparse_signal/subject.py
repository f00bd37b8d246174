"""A sign somewhere: nets with one hidden layer that read s from s e_j, trained as usual or against an adversary.

The toy problem of Shah, Jain and Netrapalli 2021 (arXiv:2102.12781, first version): both nets are right on every input,
the gradient of the usual one is smallest at the coordinate that carries the sign, that of the robust one greatest.
Here an input has two parts and a net reads one of them, so that nothing in an input says which of its signs is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.sparse_signal.points import Points, draw

Reads = Literal["first", "second"]
PART: dict[Reads, int] = {"first": 0, "second": 1}
PARTS = 2
ENOUGH = 0.95
"""Of the certificate's shares: the inputs are so simple that a net which knows the rule makes no exception, and one in
twenty is room for the noise."""
GUESS = 0.75
"""The most that random weights may have: of two classes they favour one, or one of some places."""
BACKGROUND = 500


@subject(cites="arXiv:2102.12781", threads=1, small={"width": 200, "steps": 400})
@dataclass(frozen=True, kw_only=True)
class SparseSignal:
    """A net with one hidden layer that names the sign of one of two parts."""

    reads: Reads = "first"
    training: Literal["standard", "robust", "none"] = "standard"
    dimension: int = 10
    """Coordinates of a part."""
    noise: float = 0.0
    """Standard deviation of the noise in every coordinate."""
    width: int = 500
    steps: int = 1500
    batch: int = 128
    rate: float = 0.1
    """Of gradient descent with momentum 0.9 (standard)."""
    robust_rate: float = 3e-3
    """Of Adam (robust): gradient descent meets the adversary too slowly to hold out."""
    eps: float = 0.3
    """Radius of the adversary's ball in the maximum norm in the certificate; at 1/2 no net can hold out."""
    training_eps: float = 0.45
    """The same in training (robust), as in the paper."""
    attack_steps: int = 8
    tests: int = 1000

    def draw(self, count: int, generator: torch.Generator) -> Points:
        """Inputs of this subject's distribution."""
        return draw(count, PARTS, self.dimension, self.noise, generator)

    def net(self) -> nn.Module:
        """The architecture."""
        size = PARTS * self.dimension
        return nn.Sequential(nn.Linear(size, self.width), nn.ReLU(), nn.Linear(self.width, 2))

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval()
        points = self.draw(self.tests, run.generator("tests"))
        checks, facts, confirmed = self._certify(model, points, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": points.inputs(),
                "labels": points.labels(PART[self.reads]),
                "confirmed": confirmed,
                "background": self.draw(BACKGROUND, run.generator("background")).inputs(),
            },
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def points(self, saved: Saved) -> Points:
        """The test inputs, drawn again: where the signs are."""
        return self.draw(self.tests, saved.generator("tests"))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer: torch.optim.Optimizer = torch.optim.SGD(model.parameters(), lr=self.rate, momentum=0.9)
        if self.training == "robust":
            optimizer = torch.optim.Adam(model.parameters(), lr=self.robust_rate)
        generator = run.generator("train")
        for step in range(self.steps):
            points = self.draw(self.batch, generator)
            inputs, labels = points.inputs().to(run.device), points.labels(PART[self.reads]).to(run.device)
            if self.training == "robust":
                # a net that meets the full attack at once learns nothing
                inputs = self.attacked(model, inputs, labels, min(1.0, 2 * step / self.steps) * self.training_eps)
            loss = F.cross_entropy(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def attacked(
        self, model: nn.Module, inputs: Float[Tensor, "n d"], labels: Int[Tensor, " n"], eps: float
    ) -> Float[Tensor, "n d"]:
        """Inputs within `eps`, in the maximum norm, at which projected gradient ascent found a high loss."""
        change = torch.zeros_like(inputs)
        for _ in range(self.attack_steps):
            change.requires_grad_()
            loss = F.cross_entropy(model(inputs + change), labels, reduction="sum")
            (slope,) = torch.autograd.grad(loss, change)
            change = (change.detach() + eps / 4 * slope.sign()).clamp(-eps, eps)
        return inputs + change

    def _certify(
        self, model: nn.Module, points: Points, run: Run
    ) -> tuple[list[Check], dict[str, float], Bool[Tensor, " n"]]:
        part = PART[self.reads]
        said, labels = self._says(model, points, run), points.labels(part)
        right = said == labels
        if self.training == "none":
            check = Check("accuracy (random weights)", _share(right), GUESS, at_least=False)
            return [check], {}, torch.zeros_like(right)
        turned = self._says(model, points.turned(part), run) == 1 - labels
        moved = self._says(model, points.moved(part, run.generator("places")), run) == said
        kept = self._says(model, points.redrawn(1 - part, run.generator("other part")), run) == said
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("sign followed", _share(turned), ENOUGH),
            Check("place ignored", _share(moved), ENOUGH),
            Check("other part ignored", _share(kept), ENOUGH),
        ]
        confirmed = right & turned & moved & kept
        inputs = points.inputs().to(run.device)
        attacked = self.attacked(model, inputs, labels.to(run.device), self.eps)
        with torch.no_grad():
            held = _share(model(attacked).argmax(1).cpu() == labels)
        if self.training == "robust":
            checks.append(Check("accuracy under attack", held, ENOUGH))
        return checks, {"accuracy under attack": held, "inputs confirmed": _share(confirmed)}, confirmed

    def _says(self, model: nn.Module, points: Points, run: Run) -> Int[Tensor, " n"]:
        with torch.no_grad():
            said: Tensor = model(points.inputs().to(run.device)).argmax(1).cpu()
            return said


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
