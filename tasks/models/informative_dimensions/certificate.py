"""Evidence that the network uses what it is said to use: planted dimensions exchanged between test inputs.

Where the dimensions of a concept are taken from another input, the answer must become that input's, or stay as it was
if the concept is not used; and the linear probe must find what is written linearly, and nothing of the exclusive or.
"""

from __future__ import annotations

import torch
from torch import nn

from benchmark.learning.probes import fit_linear
from benchmark.subjects import Check
from tasks.models.informative_dimensions.network import USED, answers
from tasks.models.informative_dimensions.plant import CLASSES, Plant, Sample


def certificate(
    network: nn.Module, plant: Plant, train: Sample, test: Sample, *, trained: bool, noise: float
) -> list[Check]:
    """Measure that the network answers well, and uses the dimensions of `used` and `xor` but not those of `unused`.

    `noise` is the standard deviation of the independent noise; a network that was not trained must answer by chance.
    """
    spans, read = plant.subspaces(), test.labels[:, (0, 2)]
    other = test.hidden.roll(1, 0)
    with torch.no_grad():
        said = answers(network(test.hidden))
        moved = [answers(network(test.hidden + (other - test.hidden) @ span.T @ span)) for span in spans]
        linear = fit_linear(train.hidden[None], train.labels[None], CLASSES).scores(test.hidden[None])[0].argmax(-1)
    accuracy, decoded = (said == read).float().mean(0), (linear == test.labels).float().mean(0)
    follows = {concept: (moved[span][:, i] == read.roll(1, 0)[:, i]).float().mean() for concept, span, i in USED}
    if not trained:  # the null answers by chance, whatever its activations hold
        return [
            Check("accuracy_used", float(accuracy[0]), 0.5, at_least=False),
            Check("accuracy_xor", float(accuracy[1]), 0.65, at_least=False),
        ]
    nearest = torch.pdist(plant.used).min() / 2
    spread = (noise**2 + (plant.factors @ spans[0].T).square().sum(0).mean()) ** 0.5
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
