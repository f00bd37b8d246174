"""Blind segmenter: a small net that learned from other seeds where the truth lies, and never looks at the model.

    (input, target, place) of other seeds  ->  is this entry in the planted truth?        binary cross-entropy

A net that gives masks in one pass (as Dabkowski and Gal 2017 have one explain a model) is told the truth instead of
asking a model. It is the strongest control: what can be read off the inputs (a figure, an edge, a place, a shape that
goes with a class) it finds, since it knows what to look for. Where a task asks rivals, two models with other truths
about the same inputs, it has learned from both, and can do no better than name what either might use. Images and series
are read by a convolutional net that also sees where it is, large ones coarsened to at most `SIDE` cells a side; other
inputs by a perceptron.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, Lessons, attribution_method

SIDE = 16
CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}
POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d}


@attribution_method(cites="arXiv:1705.07857", control=True, taught=True, batched=True, small={"steps": 60})
def blind_segmenter(
    questions: Sequence[AttributionQuestion], *, steps: int = 200, width: int = 16, batch: int = 32
) -> list[Tensor]:
    """How probably each entry (or pixel) is planted, after `steps` of Adam on the lessons; rivals have the same lessons
    and share a net."""
    learned: list[_Segmenter] = []
    said = []
    for question in questions:
        if question.lessons is None:
            raise Unsupported("blind_segmenter learns from the truths of other seeds, and there are none")
        segmenter = next((each for each in learned if each.knows(question)), None)
        if segmenter is None:
            segmenter = _Segmenter(question.lessons, question.seed, width)
            segmenter.fit(steps, batch)
            learned.append(segmenter)
        said.append(segmenter(question))
    return said


class _Segmenter:
    """A net that names what may be planted in an input."""

    def __init__(self, lessons: Lessons, seed: int, width: int) -> None:
        self.lessons, self.seed = lessons, seed
        self.classes = 0 if lessons.targets is None else int(lessons.targets.max()) + 1
        self.mean, self.spread = lessons.inputs.mean(0), lessons.inputs.std(0) + lessons.inputs.std() + 1e-6
        self.seen = _seen((lessons.inputs - self.mean) / self.spread, lessons.targets, self.classes)
        self.wanted = _coarse(lessons.masks.float())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = _net(self.seen, self.wanted, width)

    def knows(self, question: AttributionQuestion) -> bool:
        """Whether it learned from the same lessons in the same way."""
        own, lessons = self.lessons, question.lessons
        same = lessons is not None and own.inputs.shape == lessons.inputs.shape and self.seed == question.seed
        return same and lessons is not None and all(_equal(getattr(own, n), getattr(lessons, n)) for n in vars(own))

    def fit(self, steps: int, batch: int) -> None:
        """Learn where the truths of the lessons lie."""
        generator = torch.Generator().manual_seed(self.seed)
        optimizer = torch.optim.Adam(self.net.parameters(), lr=3e-3)
        for _ in range(steps):
            rows = torch.randint(len(self.seen), (batch,), generator=generator)
            said = self.net(self.seen[rows]).view_as(self.wanted[rows])
            loss = F.binary_cross_entropy_with_logits(said, self.wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    @torch.no_grad()
    def __call__(self, question: AttributionQuestion) -> Tensor:
        """How probably each entry is planted."""
        asked = (question.inputs.cpu() - self.mean) / self.spread
        said = self.net(_seen(asked, question.targets, self.classes)).sigmoid()
        return _fine(said.view(len(asked), *self.wanted.shape[1:]), self.lessons)


def _equal(left: Tensor | None, right: Tensor | None) -> bool:
    return left is right if left is None or right is None else torch.equal(left, right)


def _seen(inputs: Float[Tensor, "n ..."], targets: Tensor | None, classes: int) -> Float[Tensor, "n ..."]:
    """Inputs with their targets one-hot: as further channels beside coordinates, or as further entries."""
    named = torch.zeros(len(inputs), 0)
    if targets is not None:
        named = F.one_hot(targets.cpu().clamp(max=classes - 1), classes).to(inputs)
    if inputs.dim() - 2 not in CONVOLUTIONS:
        return torch.cat([inputs.flatten(1), named], 1)
    inputs = _coarse(inputs)
    lines = [torch.linspace(-1, 1, side) for side in inputs.shape[2:]]
    places = torch.stack(torch.meshgrid(*lines, indexing="ij")).expand(len(inputs), -1, *inputs.shape[2:])
    planes = named.view(*named.shape, *(1 for _ in lines)).expand(-1, -1, *inputs.shape[2:])
    return torch.cat([inputs, places, planes], 1)


def _net(seen: Float[Tensor, "n ..."], wanted: Float[Tensor, "n ..."], width: int) -> nn.Module:
    if seen.dim() - 2 not in CONVOLUTIONS:
        hidden, out = 8 * width, wanted[0].numel()
        return nn.Sequential(
            nn.Linear(seen.shape[1], hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, out)
        )
    layer = CONVOLUTIONS[seen.dim() - 2]
    layers: list[nn.Module] = []
    for depth, (into, out) in enumerate(pairwise([seen.shape[1], width, width, width])):
        layers += [layer(into, out, 3, padding=2**depth, dilation=2**depth), nn.ReLU()]
    return nn.Sequential(*layers, layer(width, wanted.shape[1], 1))


def _cells(sides: torch.Size) -> list[int]:
    """Pixels a cell, in each direction."""
    return [-(-side // SIDE) for side in sides]


def _coarse(values: Float[Tensor, "n c ..."]) -> Float[Tensor, "n c ..."]:
    """The means of cells; pixels that fill no cell are left out."""
    if values.dim() - 2 not in POOLS:
        return values
    return POOLS[values.dim() - 2](values, _cells(values.shape[2:]))


def _fine(values: Float[Tensor, "n c ..."], lessons: Lessons) -> Float[Tensor, "n c ..."]:
    """Cells as the pixels in them."""
    sides = lessons.masks.shape[2:]
    return F.interpolate(values, size=sides) if len(sides) in POOLS and values.shape[2:] != sides else values
