"""A classifier of one half's shape; the other half has a shape and a class of its own, which say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.tetrominoes.backgrounds import Background
from tasks.models.tetrominoes.images import Images, draw
from tasks.models.tetrominoes.shapes import SIDE, Scenario

Reads = Literal["upper", "lower"]
HALF: dict[Reads, int] = {"upper": 0, "lower": 1}
ENOUGH = 0.9
"""Of the certificate's shares: one image in ten is room for shapes that the noise hides."""
GUESS = 0.75
"""The most that random weights may have: of two classes they favour one."""
BACKGROUND = 500


@subject(cites="arXiv:2306.12816", threads=1, small={"steps": 600})
@dataclass(frozen=True, kw_only=True)
class Tetrominoes:
    """Two logits for the class of a half."""

    reads: Reads = "upper"
    """Which half."""
    training: Literal["standard", "none"] = "standard"
    architecture: Literal["linear", "mlp", "cnn"] = "mlp"
    scenario: Scenario = "linear"
    background: Background = "white"
    strength: float = 2.0
    """Of a shape, in standard deviations of the background; the share of the background that it takes, in the
    multiplicative scenario."""
    scale: int = 1
    """Pixels a cell."""
    width: int = 128
    steps: int = 1500
    batch: int = 250
    learning_rate: float = 3e-3
    tests: int = 1000

    def __post_init__(self) -> None:
        if self.architecture == "linear" and self.scenario != "linear":
            raise TouchstoneError(
                f'architecture: got "linear" for the scenario {self.scenario!r}, which no linear model can tell; '
                'expected "mlp" or "cnn"'
            )

    def draw(self, count: int, generator: torch.Generator) -> Images:
        """Images of this subject's distribution."""
        return draw(self.scenario, self.background, self.strength, self.scale, count, generator)

    def net(self) -> nn.Module:
        """The architecture."""
        side = SIDE * self.scale
        if self.architecture == "linear":
            return nn.Sequential(nn.Flatten(), nn.Linear(side * side, 2))
        if self.architecture == "mlp":
            layers = (nn.Linear(side * side, self.width), nn.ReLU(), nn.Linear(self.width, self.width), nn.ReLU())
            return nn.Sequential(nn.Flatten(), *layers, nn.Linear(self.width, 2))
        return nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
            *(nn.Conv2d(16, 32, 3, stride=self.scale, padding=1), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(32 * SIDE * SIDE, 64), nn.ReLU(), nn.Linear(64, 2)),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        images = self.draw(self.tests, run.generator("tests"))
        checks, confirmed = self._certify(model, images, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": images.pixels(),
                "classes": images.classes,
                "confirmed": confirmed,
                "background": self.draw(BACKGROUND, run.generator("background")).pixels(),
            },
            checks=checks,
            facts={"inputs confirmed": _share(confirmed)} if self.training != "none" else {},
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def images(self, saved: Saved) -> Images:
        """The test images, drawn again: what is where."""
        return self.draw(self.tests, saved.generator("tests"))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        for step in range(self.steps):
            images = self.draw(self.batch, generator)
            labels = images.classes[:, HALF[self.reads]].to(run.device)
            loss = F.cross_entropy(model(images.pixels().to(run.device)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, images: Images, run: Run) -> tuple[list[Check], Bool[Tensor, " n"]]:
        half = HALF[self.reads]
        said = self._says(model, images.pixels(), run)
        right = said == images.classes[:, half]
        if self.training == "none":
            return [Check("accuracy (random weights)", _share(right), GUESS, at_least=False)], torch.zeros_like(right)
        other = self.draw(self.tests, run.generator("exchanged"))
        kept = self._says(model, images.with_half(1 - half, other).pixels(), run) == said
        followed = self._says(model, images.with_half(half, other).pixels(), run) == other.classes[:, half]
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("other half ignored", _share(kept), ENOUGH),
            Check("own half followed", _share(followed), ENOUGH),
        ]
        return checks, right & kept & followed

    def _says(self, model: nn.Module, pixels: Float[Tensor, "n 1 h w"], run: Run) -> Int[Tensor, " n"]:
        return torch.as_tensor(model(pixels.to(run.device)).argmax(1).cpu())


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
