"""A net that says which glyphs a collage holds. Its last hidden layer is what dictionaries are learned of.

    pixels -> 6 x 6 convolution, normalised over the batch, ReLU -> maximum of neighbours
           -> 1 x 1 convolution, ReLU -> maximum over the image
           -> linear: the activations [n, dimensions]  ->  read-out: a logit for each glyph

The activations have no ReLU behind them, so that their coordinates mean nothing by themselves. The read-out starts at
0: its rows hold what was learnt and no leftover of a random start. Collages of one object have classes that exclude
each other and a softmax is trained; several objects have a sigmoid each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved, Trained, subject
from tasks.models.collages import certificate
from tasks.models.collages.glyphs import glyphs
from tasks.models.collages.images import CELLS, Collages, draw

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
TESTS = 1000
"""Collages on which the net is certified."""


class Reader(nn.Module):
    """Collages to activations, and activations to logits."""

    def __init__(self, width: int, dimensions: int, classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, width, 6),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
            nn.Linear(width, dimensions),
        )
        self.read = nn.Linear(dimensions, classes)
        nn.init.zeros_(self.read.weight)
        nn.init.zeros_(self.read.bias)

    def forward(self, pixels: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n classes"]:
        """A logit for each glyph."""
        logits: Tensor = self.read(self.encoder(pixels))
        return logits


@subject(cites="arXiv:2502.12892", threads=1, small={"classes": 12, "steps": 450, "rows": 3000, "held_out": 800})
@dataclass(frozen=True, kw_only=True)
class CollageReader:
    """A convolutional net with a logit for each of the glyphs that a collage may hold."""

    classes: int = 20
    objects: int = 4
    """In each collage."""
    training: Literal["standard", "none"] = "standard"
    dimensions: int = 32
    width: int = 96
    steps: int = 800
    batch: int = 64
    learning_rate: float = 1e-2
    """The greatest of one cycle of Adam."""
    rows: int = 10000
    held_out: int = 2000
    """Rows of validation, and of test."""

    def __post_init__(self) -> None:
        if not 1 <= self.objects <= CELLS:
            raise TouchstoneError(f"objects: got {self.objects}, expected 1 to {CELLS}, as many as there are cells")

    def net(self) -> Reader:
        """The architecture."""
        return Reader(self.width, self.dimensions, self.classes)

    def collages(self, split: Split, seeds: Run | Saved) -> Collages:
        """The collages of a split, drawn again from the seed."""
        return self._draw(self.rows if split == "train" else self.held_out, split, seeds)

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        tests = self._draw(TESTS, "certificate", run)
        trained = self.training != "none"
        checks, facts = certificate.checks(model, tests, run.generator("exchanged"), trained=trained)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={split: certificate.activations(model, self.collages(split, run)) for split in SPLITS},
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def _draw(self, count: int, name: str, seeds: Run | Saved) -> Collages:
        shapes = glyphs(self.classes, seeds.generator("glyphs"))
        return draw(shapes, self.objects, count, seeds.generator(name))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator, shapes = run.generator("batches"), glyphs(self.classes, run.generator("glyphs"))
        for step in range(self.steps):
            collages = draw(shapes, self.objects, self.batch, generator)
            logits = model(collages.pixels().to(run.device))
            loss = self._loss(logits, collages.present().to(run.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _loss(self, logits: Float[Tensor, "n classes"], present: Bool[Tensor, "n classes"]) -> Float[Tensor, ""]:
        if self.objects == 1:
            return F.cross_entropy(logits, present.int().argmax(1))
        return F.binary_cross_entropy_with_logits(logits, present.float())
