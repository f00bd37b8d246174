"""Activations with concepts in known dimensions, and a small network on top that uses some of them.

    hidden = used code + unused code + bit a + bit b + type code + correlated noise        the place "hidden"
    answers = network(hidden) -> 4 logits for `used`, 2 for `xor` (a != b)

*Used*: `used`, written and read, and `xor`, written only as two bits and read as their parity, which no linear probe
sees. *Associated* but not used: `unused`, written like `used` and never read; and, with `copies=2`, a second place in
which `used` is written and from which the network does not have it. The type of an input (200 of them) has a code as
well, so that labels can be memorised. Noise is correlated across all dimensions: the best direction to *read* a concept
is not the one in which it is *written* (Haufe et al. 2014).

Labelled inputs may be *confounded*: the labels of `unused` follow those of `used` (`agreement`), or the two places of
`used` always agree (`copies=2`). In test inputs, and in those on which the network is trained, everything is drawn
independently, so that exchanging one thing alone gives an activation such as the network knows. Two subjects that
differ in `reads` alone have the same inputs and the same labels: only the network tells which place it reads.
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


@subject(cites="doi:10.1016/j.neuroimage.2013.10.067", small={"steps": 150})
@dataclass(frozen=True, kw_only=True)
class InformativeDimensions:
    """Concepts planted in known dimensions: used by the network, unused, and visible only as an exclusive or."""

    basis: Literal["aligned", "rotated"] = "aligned"
    """Whether concepts lie along the coordinate axes or the whole space is turned at random."""
    copies: Literal[1, 2] = 1
    """In how many places `used` is written."""
    reads: Literal["first", "second"] = "first"
    """From which of them the network has it."""
    agreement: float = 0.0
    """How often the label of `unused` is that of `used` in labelled inputs, beyond chance."""
    width: int = 64
    train_inputs: int = 2000
    test_inputs: int = 1000
    types: int = 200
    strength: float = 3.0
    """Length of a four-way concept's codes; a bit is written as plus or minus `strength` / sqrt(3)."""
    noise: float = 0.6
    """Standard deviation of the independent noise."""
    factors: int = 6
    """Shared noise factors, together as strong as the independent noise of one dimension."""
    steps: int = 600

    def plant(self, generator: Callable[[str], torch.Generator]) -> Plant:
        """Draw the codes from the generator named "plant"."""
        draw, d = generator("plant"), self.width
        taken = (self.copies + 1) * CODE + 2
        least = taken + TYPE_DIMENSIONS
        if d < least:
            raise TouchstoneError(
                f"informative_dimensions: got width {d}, expected at least {least} to hold every concept"
            )
        if self.reads == "second" and self.copies < 2:
            raise TouchstoneError("informative_dimensions: got reads='second' with copies=1, expected copies=2")
        # rows of an orthonormal basis: unit vectors in random order, or a random rotation of them
        axes = torch.eye(d)[torch.randperm(d, generator=draw)]
        turn = torch.linalg.qr(torch.randn(d, d, generator=draw)).Q
        rows = axes if self.basis == "aligned" else turn
        tetrahedron = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5 * self.strength
        unused, *places = (tetrahedron @ rows[i * CODE : (i + 1) * CODE] for i in range(self.copies + 1))
        return Plant(
            places=torch.stack(places),
            reads=("first", "second").index(self.reads),
            unused=unused,
            bits=rows[taken - 2 : taken] * self.strength / 3**0.5,
            types=torch.randn(self.types, TYPE_DIMENSIONS, generator=draw) @ rows[taken:least],
            factors=torch.randn(self.factors, d, generator=draw) * self.noise / self.factors**0.5,
            noise=self.noise,
        )

    def sample(self, plant: Plant, count: int, generator: torch.Generator, *, labelled: bool = False) -> Sample:
        """Draw `count` inputs: everything independently, unless they are `labelled`, and so confounded."""
        used, unused, xor = (torch.randint(classes, (count,), generator=generator) for classes in CLASSES)
        spare = torch.randint(CLASSES[0], (count,), generator=generator)
        follows = torch.rand(count, generator=generator) < self.agreement
        if labelled:
            spare, unused = used, torch.where(follows, used, unused)
        written = [used, spare][: self.copies]
        a = torch.randint(2, (count,), generator=generator)
        types = torch.randint(self.types, (count,), generator=generator)
        signs = torch.stack([a, a ^ xor], 1) * 2.0 - 1.0
        hidden = plant.unused[unused] + signs @ plant.bits + plant.types[types]
        for codes, classes in zip(plant.places, written, strict=True):
            hidden = hidden + codes[classes]
        hidden = hidden + self.noise * torch.randn(count, self.width, generator=generator)
        hidden = hidden + torch.randn(count, self.factors, generator=generator) @ plant.factors
        labels = torch.stack([written[plant.reads], unused, xor], 1)
        return Sample(labels, torch.stack(written), signs, types, hidden)

    def inputs(self, plant: Plant, generator: Callable[[str], torch.Generator]) -> tuple[Sample, Sample]:
        """The train and test inputs, from the generators of those names."""
        train = self.sample(plant, self.train_inputs, generator("train"), labelled=True)
        return train, self.sample(plant, self.test_inputs, generator("test"))

    def train(self, run: Run) -> Trained:
        """Train the network on fresh inputs; certify by exchanging the planted dimensions between test inputs."""
        plant = self.plant(run.generator)
        train, test = self.inputs(plant, run.generator)
        networks = [initialised(build(self.width), run.generator("weights")) for _ in range(self.copies)]
        self._fit(networks, plant, run)
        network = networks[plant.reads].eval()
        public = {"train": train.hidden, "test": test.hidden, "labels": train.labels}
        checks = certificate(network, plant, train, test)
        state = {
            f"{place}.{name}": tensor.detach()
            for place, each in enumerate(networks)
            for name, tensor in each.state_dict().items()
        }
        return Trained(weights=state, public=public, checks=checks)

    def _fit(self, networks: list[nn.Sequential], plant: Plant, run: Run) -> None:
        """Train a network for every place of `used`, all on the same inputs; they differ in what they read alone."""
        draw = run.generator("batches")
        optimiser = torch.optim.AdamW([weight for network in networks for weight in network.parameters()], lr=1e-2)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.steps)
        for step in range(self.steps):
            batch = self.sample(plant, 512, draw)
            loss = sum(
                nn.functional.cross_entropy(logits, wanted)
                for network, used in zip(networks, batch.written, strict=True)
                for logits, wanted in zip(split(network(batch.hidden)), (used, batch.labels[:, 2]), strict=True)
            )
            assert isinstance(loss, Tensor)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def load(self, saved: Saved, reads: int | None = None) -> nn.Sequential:
        """Rebuild the network, or the one that reads `used` from another place."""
        network = build(self.width)
        place = f"{('first', 'second').index(self.reads) if reads is None else reads}."
        state = {name[len(place) :]: tensor for name, tensor in saved.weights.items() if name.startswith(place)}
        network.load_state_dict(state)
        return network.to(saved.device).eval()
