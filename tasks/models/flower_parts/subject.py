"""A small convolutional net that names the colour or the shape of one part of a flower; all others say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.flower_parts.flowers import Attribute, Flowers, draw, filled
from tasks.models.flower_parts.outlines import PARTS, outlines

Reads = Literal["petals", "leaves"]
ENOUGH = 0.9
"""Of the certificate's shares: one image in ten is room for what few pixels show."""
GUESS = 0.75
"""The most that random weights may have: of two classes they favour one."""
SIDE = 24
POSES = 2000
"""So many poses are drawn once for training; colours, shapes and grounds are new at every step."""
BACKGROUND = 300
OTHER: dict[Attribute, Attribute] = {"colour": "shape", "shape": "colour"}


@subject(cites="arXiv:1712.06302", threads=1, small={"steps": 150, "tests": 400})
@dataclass(frozen=True, kw_only=True)
class FlowerParts:
    """Two logits for the two classes of a part."""

    reads: Reads = "petals"
    """Which part."""
    by: Attribute = "colour"
    """What of it."""
    parts: int = 6
    """So many a flower has, of six; petals and leaves are always among them."""
    training: Literal["standard", "none"] = "standard"
    scale: int = 1
    """An image has 24 times as many pixels a side."""
    steps: int = 500
    batch: int = 100
    learning_rate: float = 5e-3
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 600

    def __post_init__(self) -> None:
        if not 2 <= self.parts <= len(PARTS):
            raise TouchstoneError(f"parts: got {self.parts}, expected 2 to {len(PARTS)}")

    @property
    def part(self) -> int:
        """The number of the part that is read."""
        return PARTS.index(self.reads)

    def draw(self, count: int, generator: torch.Generator) -> Flowers:
        """Flowers of this subject's distribution."""
        return draw(count, self.parts, SIDE * self.scale, generator)

    def net(self) -> nn.Module:
        """The architecture."""
        return nn.Sequential(
            *(nn.Conv2d(3, 12, 3, stride=2, padding=1), nn.ReLU()),
            *(nn.Conv2d(12, 16, 3, stride=2 * self.scale, padding=1), nn.ReLU()),
            *(nn.Flatten(), nn.Linear(16 * (SIDE // 4) ** 2, 32), nn.ReLU(), nn.Linear(32, 2)),
        )

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        flowers = self.draw(self.tests, run.generator("tests"))
        checks, facts, confirmed = self._certify(model, flowers, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": flowers.pixels(),
                "classes": flowers.classes(self.by),
                "confirmed": confirmed,
                "background": self.draw(BACKGROUND, run.generator("background")).pixels(),
            },
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def flowers(self, saved: Saved) -> Flowers:
        """The test flowers, drawn again: which part is where."""
        return self.draw(self.tests, saved.generator("tests"))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        poses = outlines(POSES, self.parts, SIDE * self.scale, generator)
        for step in range(self.steps):
            rows = torch.randint(POSES, (self.batch,), generator=generator)
            flowers = filled(poses[rows], generator)
            labels = flowers.classes(self.by)[:, self.part].to(run.device)
            loss = F.cross_entropy(model(flowers.pixels().to(run.device)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 50 == 49:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(
        self, model: nn.Module, flowers: Flowers, run: Run
    ) -> tuple[list[Check], dict[str, float], Bool[Tensor, " n"]]:
        labels = flowers.classes(self.by)[:, self.part]
        said = self._says(model, flowers, run)
        right = said == labels
        if self.training == "none":
            guess = Check("accuracy (random weights)", _share(right), GUESS, at_least=False)
            return [guess], {}, torch.zeros_like(right)
        other = self.draw(self.tests, run.generator("exchanged"))
        followed = flowers.exchanged([self.part], self.by, other)
        moved = self._says(model, followed, run) == other.classes(self.by)[:, self.part]
        aside = [part for part in range(self.parts) if part != self.part]
        rest = flowers.exchanged(aside, "colour", other).exchanged(aside, "shape", other)
        rest = rest.exchanged([self.part], OTHER[self.by], other)
        kept = self._says(model, rest, run) == said
        differs = other.classes(self.by)[:, self.part] != labels
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("own part followed", _share(moved[differs]), ENOUGH),
            Check("all else ignored", _share(kept), ENOUGH),
        ]
        confirmed = right & moved & kept
        return checks, {"inputs confirmed": _share(confirmed)}, confirmed

    def _says(self, model: nn.Module, flowers: Flowers, run: Run) -> Int[Tensor, " n"]:
        pixels: Float[Tensor, "n 3 h w"] = flowers.pixels().to(run.device)
        return torch.as_tensor(model(pixels).argmax(1).cpu())


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
