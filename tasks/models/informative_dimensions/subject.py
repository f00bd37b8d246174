"""Activations with concepts in known dimensions, and a small network on top that uses some of them.

    hidden = used code + unused code + bit a + bit b + type code + correlated noise        the place "hidden"
    answers = network(hidden) -> 4 logits for `used`, 2 for `xor` (a != b)

`used` is written and read, `unused` is written and never read, `xor` is written only as two bits and read as their
parity, which no linear probe sees. The type of an input (200 of them) has a code as well, so that labels can be
memorised. Noise is correlated across all dimensions: the best direction to *read* a concept is not the one in which it
is *written* (Haufe et al. 2014).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.subjects import Run, Saved, Trained, subject
from tasks.models.informative_dimensions.certificate import certificate
from tasks.models.informative_dimensions.network import build, initialised, split
from tasks.models.informative_dimensions.plant import CLASSES, CODE, TYPE_DIMENSIONS, Plant, Sample


@subject(cites="doi:10.1016/j.neuroimage.2013.10.067", small={"steps": 300})
@dataclass(frozen=True, kw_only=True)
class InformativeDimensions:
    """Concepts planted in known dimensions: used by the network, unused, and visible only as an exclusive or."""

    training: Literal["standard", "none"] = "standard"
    """`none`: random codes that overlap, and a network with random weights."""
    basis: Literal["aligned", "rotated"] = "aligned"
    """Whether concepts lie along the coordinate axes or the whole space is turned at random."""
    width: int = 64
    train_inputs: int = 2000
    test_inputs: int = 1000
    types: int = 200
    strength: float = 3.0
    """Length of a concept's codes; a bit is written as plus or minus `strength` / sqrt(2)."""
    noise: float = 0.6
    """Standard deviation of the independent noise."""
    factors: int = 6
    """Shared noise factors, each as strong as the independent noise of one dimension."""
    steps: int = 600

    def plant(self, generator: Callable[[str], torch.Generator]) -> Plant:
        """Draw the codes from the generator named "plant"."""
        draw, d = generator("plant"), self.width
        least = 2 * CODE + 2 + TYPE_DIMENSIONS
        if d < least:
            raise TouchstoneError(
                f"informative_dimensions: got width {d}, expected at least {least} to hold every concept"
            )
        # rows of an orthonormal basis: unit vectors in random order, or a random rotation of them
        axes = torch.eye(d)[torch.randperm(d, generator=draw)]
        turn = torch.linalg.qr(torch.randn(d, d, generator=draw)).Q
        overlapping = torch.nn.functional.normalize(torch.randn(d, d, generator=draw), dim=1)
        rows = overlapping if self.training == "none" else axes if self.basis == "aligned" else turn
        tetrahedron = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5 * self.strength
        return Plant(
            used=tetrahedron @ rows[:CODE],
            unused=tetrahedron @ rows[CODE : 2 * CODE],
            bits=rows[2 * CODE : 2 * CODE + 2] * self.strength / 2**0.5,
            types=torch.randn(self.types, TYPE_DIMENSIONS, generator=draw) @ rows[2 * CODE + 2 : least],
            factors=torch.randn(self.factors, d, generator=draw) * self.noise / self.factors**0.5,
        )

    def sample(self, plant: Plant, count: int, generator: torch.Generator) -> Sample:
        """Draw `count` inputs."""
        labels = torch.stack([torch.randint(classes, (count,), generator=generator) for classes in CLASSES], 1)
        a = torch.randint(2, (count,), generator=generator)
        types = torch.randint(self.types, (count,), generator=generator)
        signs = torch.stack([a, a ^ labels[:, 2]], 1) * 2.0 - 1.0
        noise = self.noise * torch.randn(count, self.width, generator=generator)
        shared = torch.randn(count, self.factors, generator=generator) @ plant.factors
        codes = plant.used[labels[:, 0]] + plant.unused[labels[:, 1]] + signs @ plant.bits + plant.types[types]
        return Sample(labels, types, codes + noise + shared)

    def inputs(self, plant: Plant, generator: Callable[[str], torch.Generator]) -> tuple[Sample, Sample]:
        """The train and test inputs, from the generators of those names."""
        train = self.sample(plant, self.train_inputs, generator("train"))
        return train, self.sample(plant, self.test_inputs, generator("test"))

    def train(self, run: Run) -> Trained:
        """Train the network on fresh inputs; certify by exchanging the planted dimensions between test inputs."""
        plant = self.plant(run.generator)
        train, test = self.inputs(plant, run.generator)
        network = initialised(build(self.width), run.generator("weights"))
        if self.training == "standard":
            self._fit(network, plant, run)
        network.eval()
        public = {"train": train.hidden, "test": test.hidden, "labels": train.labels}
        checks = certificate(network, plant, train, test, trained=self.training == "standard", noise=self.noise)
        state = {name: tensor.detach() for name, tensor in network.state_dict().items()}
        return Trained(weights=state, public=public, checks=checks)

    def _fit(self, network: nn.Sequential, plant: Plant, run: Run) -> None:
        draw = run.generator("batches")
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.steps)
        for step in range(self.steps):
            batch = self.sample(plant, 512, draw)
            loss = sum(
                nn.functional.cross_entropy(logits, batch.labels[:, concept])
                for logits, concept in zip(split(network(batch.hidden)), (0, 2), strict=True)
            )
            assert isinstance(loss, Tensor)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def load(self, saved: Saved) -> nn.Sequential:
        """Rebuild the network."""
        network = build(self.width)
        network.load_state_dict(dict(saved.weights))
        return network.to(saved.device).eval()
