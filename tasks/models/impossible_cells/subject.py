"""A net that counts the crosses in two of four cells; the other two cannot reach its output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.impossible_cells.grids import CELL, CELLS, Grids, Sees, cells_of, draw
from tasks.models.impossible_cells.network import BLOCKS, Cut, build

ENOUGH = 0.9
"""Of the certificate's shares: one image in ten is room for signs that the noise hides."""
NOTHING = 0.0
"""What cells that are cut off may do: not a bit."""
GUESS = 0.75
"""The most that random weights may have right; a half of all counts are 1."""
BACKGROUND = 500


@subject(cites="arXiv:2205.10435", threads=1, small={"steps": 250, "tests": 400})
@dataclass(frozen=True, kw_only=True)
class ImpossibleCells:
    """Three logits for a count of 0, 1 or 2."""

    sees: Sees = "top"
    """Which cells reach the output."""
    depth: int = 3
    """Behind so many blocks of layers the others are cut off; 0: at the input."""
    cut: Cut = "erased"
    """How."""
    training: Literal["standard", "none"] = "standard"
    steps: int = 500
    batch: int = 100
    learning_rate: float = 0.01
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def __post_init__(self) -> None:
        if not 0 <= self.depth <= BLOCKS:
            raise TouchstoneError(f"depth: got {self.depth}, expected 0 to {BLOCKS}, the number of blocks")
        if self.cut == "cancelled" and self.depth == 0:
            raise TouchstoneError('cut: got "cancelled" at depth 0, where no ReLU is; expected "erased", or depth >= 1')

    def net(self) -> nn.Module:
        """The architecture."""
        return build(cells_of(self.sees), self.depth, self.cut, CELLS * CELL)

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        grids = draw(self.tests, run.generator("tests"))
        checks, facts = self._certify(model, grids, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": grids.pixels(),
                "classes": grids.classes,
                "background": draw(BACKGROUND, run.generator("background")).pixels(),
            },
            checks=checks,
            facts=facts,
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def grids(self, saved: Saved) -> Grids:
        """The test images, drawn again: what is where. They are the same whatever is cut off."""
        return draw(self.tests, saved.generator("tests"))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator, seen = run.generator("train"), cells_of(self.sees)
        for step in range(self.steps):
            grids = draw(self.batch, generator)
            loss = F.cross_entropy(model(grids.pixels().to(run.device)), grids.count(seen).to(run.device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, grids: Grids, run: Run) -> tuple[list[Check], dict[str, float]]:
        seen = cells_of(self.sees)
        logits = self._logits(model, grids.pixels(), run)
        right = logits.argmax(1) == grids.count(seen)
        other = draw(self.tests, run.generator("exchanged"))
        changed = self._logits(model, grids.with_cells(~seen, other).pixels(), run)
        cut_off = Check("greatest change by the cells cut off", _greatest(changed - logits), NOTHING, at_least=False)
        slope = Check(
            "greatest slope in the cells cut off",
            _greatest(self._slopes(model, grids, run)[:, in_pixels(~seen)]),
            NOTHING,
            at_least=False,
        )
        if self.training == "none":
            guess = Check("accuracy (random weights)", float(right.float().mean()), GUESS, at_least=False)
            return [guess, cut_off, slope], {}
        followed = []
        for cell in seen.nonzero().tolist():
            one = torch.zeros_like(seen)
            one[cell[0], cell[1]] = True
            mixed = grids.with_cells(one, other)
            said = self._logits(model, mixed.pixels(), run).argmax(1)
            due = mixed.count(seen)
            followed.append(float((said == due)[due != grids.count(seen)].float().mean()))
        checks = [
            Check("accuracy", float(right.float().mean()), ENOUGH),
            Check("seen cells followed", min(followed), ENOUGH),
            cut_off,
            slope,
        ]
        return checks, {}

    def _logits(self, model: nn.Module, pixels: Float[Tensor, "n 1 h w"], run: Run) -> Float[Tensor, "n classes"]:
        return torch.as_tensor(model(pixels.to(run.device)).cpu())

    def _slopes(self, model: nn.Module, grids: Grids, run: Run) -> Float[Tensor, "n 1 h w"]:
        """The gradient of each image's greatest logit."""
        pixels = grids.pixels().to(run.device).requires_grad_()
        (found,) = torch.autograd.grad(model(pixels).amax(1).sum(), pixels)
        return torch.as_tensor(found.cpu())


def in_pixels(cells: Bool[Tensor, "2 2"]) -> Bool[Tensor, "1 h w"]:
    """Cells as pixels of the image."""
    return cells.repeat_interleave(CELL, 0).repeat_interleave(CELL, 1)[None]


def _greatest(values: Float[Tensor, "n ..."]) -> float:
    return float(values.abs().max())
