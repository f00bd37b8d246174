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
from jaxtyping import Float, Int
from torch import Tensor, nn

from benchmark.errors import TouchstoneError
from benchmark.learning.probes import fit_linear
from benchmark.subjects import Check, Run, Saved, Trained, subject

NAMES = ("used", "unused", "xor")
CLASSES = (4, 4, 2)
CODE = 3
"""Dimensions of a four-way concept: its codes are the corners of a tetrahedron."""
TYPE_DIMENSIONS = 16


@dataclass(frozen=True)
class Plant:
    """Where everything is written; each code is a row."""

    used: Float[Tensor, "4 d"]
    unused: Float[Tensor, "4 d"]
    bits: Float[Tensor, "2 d"]
    types: Float[Tensor, "types d"]
    factors: Float[Tensor, "factors d"]

    def subspaces(self) -> Float[Tensor, "3 3 d"]:
        """Orthonormal rows spanning where `used`, `unused` and `xor` are written; `xor` has two and one of zeros."""
        spans = torch.zeros(3, CODE, self.used.shape[1])
        for concept, codes in enumerate((self.used, self.unused, self.bits)):
            rank = CODE if concept < 2 else 2
            rows = codes - codes.mean(0) if concept < 2 else codes
            spans[concept, :rank] = torch.linalg.svd(rows, full_matrices=False).Vh[:rank]
        return spans


@dataclass(frozen=True)
class Sample:
    """Inputs: concept labels, types and activations."""

    labels: Int[Tensor, "n 3"]
    types: Int[Tensor, " n"]
    hidden: Float[Tensor, "n d"]


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

    def network(self) -> nn.Sequential:
        """The network from the place "hidden" to the answers."""
        return nn.Sequential(nn.Linear(self.width, 128), nn.ReLU(), nn.Linear(128, CLASSES[0] + CLASSES[2]))

    def train(self, run: Run) -> Trained:
        """Train the network on fresh inputs; certify by exchanging the planted dimensions between test inputs."""
        plant = self.plant(run.generator)
        train, test = self.inputs(plant, run.generator)
        network = self.network()
        weights = run.generator("weights")
        for layer in (network[0], network[2]):
            assert isinstance(layer, nn.Linear)
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5, generator=weights)
            nn.init.zeros_(layer.bias)
        if self.training == "standard":
            self._fit(network, plant, run)
        network.eval()
        public = {"train": train.hidden, "test": test.hidden, "labels": train.labels}
        state = {name: tensor.detach() for name, tensor in network.state_dict().items()}
        return Trained(weights=state, public=public, checks=certificate(self, network, plant, train, test))

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

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the network."""
        network = self.network()
        network.load_state_dict(dict(saved.weights))
        return network.to(saved.device).eval()


def split(outputs: Float[Tensor, "n 6"]) -> tuple[Float[Tensor, "n 4"], Float[Tensor, "n 2"]]:
    """Logits of `used` and of `xor`."""
    return outputs[:, : CLASSES[0]], outputs[:, CLASSES[0] :]


def answers(outputs: Float[Tensor, "n 6"]) -> Int[Tensor, "n 2"]:
    """What the network says: the class of `used` and the class of `xor`."""
    return torch.stack([logits.argmax(1) for logits in split(outputs)], 1)


def certificate(
    setting: InformativeDimensions, network: nn.Sequential, plant: Plant, train: Sample, test: Sample
) -> list[Check]:
    """Measure that the network answers well, and uses the dimensions of `used` and `xor` but not those of `unused`."""
    spans, read = plant.subspaces(), test.labels[:, (0, 2)]
    other = test.hidden.roll(1, 0)
    with torch.no_grad():
        said = answers(network(test.hidden))
        moved = [answers(network(test.hidden + (other - test.hidden) @ span.T @ span)) for span in spans]
        linear = fit_linear(train.hidden[None], train.labels[None], CLASSES).scores(test.hidden[None])[0].argmax(-1)
    accuracy, decoded = (said == read).float().mean(0), (linear == test.labels).float().mean(0)
    follows = {concept: (moved[span][:, i] == read.roll(1, 0)[:, i]).float().mean() for concept, span, i in USED}
    if setting.training == "none":  # the null answers by chance, whatever its activations hold
        return [
            Check("accuracy_used", float(accuracy[0]), 0.5, at_least=False),
            Check("accuracy_xor", float(accuracy[1]), 0.65, at_least=False),
        ]
    nearest = torch.pdist(plant.used).min() / 2
    spread = (setting.noise**2 + (plant.factors @ spans[0].T).square().sum(0).mean()) ** 0.5
    return [
        Check("accuracy_used", float(accuracy[0]), 0.9),
        Check("accuracy_xor", float(accuracy[1]), 0.9),
        Check("used_dimensions_change_answer", float(follows["used"]), 0.9),
        Check("xor_dimensions_change_answer", float(follows["xor"]), 0.9),
        Check("unused_dimensions_change_answer", float((moved[1] != said).any(1).float().mean()), 0.05, at_least=False),
        Check("unused_linearly_decodable", float(decoded[1]), 0.9),
        Check("xor_linearly_decodable", float(decoded[2]), 0.56, at_least=False),
        Check("effect_over_noise", float(nearest / spread), 2.0),
    ]


USED = (("used", 0, 0), ("xor", 2, 1))
"""What the network reads: name, number of the concept, column among its answers."""
