"""Evidence that the network uses what it is said to use: what is written of a concept replaced by another value.

The plant knows what it wrote, so that one code can be replaced in a test input and everything else, its noise included,
stays as it was: an input such as the network was trained on. The answer must become that of the new value, or stay as
it was if the concept, or this place of it, is not used. And the linear probe must find what is written linearly, and
nothing of the exclusive or.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from benchmark.learning.probes import fit_linear
from benchmark.subjects import Check
from tasks.models.informative_dimensions.network import answers
from tasks.models.informative_dimensions.plant import CLASSES, Plant, Sample


def certificate(network: nn.Module, plant: Plant, train: Sample, test: Sample) -> list[Check]:
    """Measure that the network answers well, and uses the places of `used` and `xor` but no other."""
    other = torch.arange(len(test.labels)).roll(1)
    with torch.no_grad():
        said = answers(network(test.hidden))
        linear = fit_linear(train.hidden[None], train.labels[None], CLASSES).scores(test.hidden[None])[0].argmax(-1)

        def after(codes: Float[Tensor, "n d"]) -> Int[Tensor, "n 2"]:
            """The answers where every input has the code of another one."""
            return answers(network(test.hidden + codes[other] - codes))

        places = [after(codes[classes]) for codes, classes in zip(plant.places, test.written, strict=True)]
        unused, xor = after(plant.unused[test.labels[:, 1]]), after(test.signs @ plant.bits)
    read = test.labels[:, (0, 2)]
    accuracy, decoded = (said == read).float().mean(0), (linear == test.labels).float().mean(0)

    def follows(moved: Int[Tensor, "n 2"], column: int) -> float:
        return float((moved[:, column] == read[other, column]).float().mean())

    def changed(moved: Int[Tensor, "n 2"]) -> float:
        return float((moved != said).any(1).float().mean())

    spare = [changed(moved) for place, moved in enumerate(places) if place != plant.reads]
    nearest = torch.pdist(plant.used).min() / 2
    spread = (plant.noise**2 + (plant.factors @ plant.subspaces()[0].T).square().sum(0).mean()) ** 0.5
    return [
        Check("accuracy_used", float(accuracy[0]), 0.9),
        Check("accuracy_xor", float(accuracy[1]), 0.9),
        Check("used_dimensions_change_answer", follows(places[plant.reads], 0), 0.9),
        Check("xor_dimensions_change_answer", follows(xor, 1), 0.9),
        Check("unused_dimensions_change_answer", changed(unused), 0.05, at_least=False),
        *[Check("spare_dimensions_change_answer", value, 0.05, at_least=False) for value in spare],
        Check("unused_linearly_decodable", float(decoded[1]), 0.9),
        Check("xor_linearly_decodable", float(decoded[2]), 0.56, at_least=False),
        Check("effect_over_noise", float(nearest / spread), 2.0),
    ]
