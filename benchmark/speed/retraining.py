"""Retraining for ROAR and its kin: the nets of a task as one batch, against a plain loop over the same nets.

The loop is what one would write: a `nn.Sequential`, an optimiser and a loader's steps for each net. Both end with the
same accuracies up to the order of sums, or the comparison is void.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from benchmark.learning.retraining import STANDARD, Recipe, _batches, _first_weights, retrained_accuracies
from benchmark.speed import Row, interleaved

ROWS, CLASSES = 150, 2
NETS = {64: 60, 784: 20}
"""How many nets, by the entries of their inputs."""
APART = 0.02
"""The mean difference of accuracies that the order of sums may make."""


def measure(_profile: str) -> Iterator[Row]:
    """Seconds for nets on 150 inputs of 64 and of 784 entries."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for width, count in NETS.items():
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randn(ROWS, width, generator=generator)
        labels = (inputs[:, : width // 4].sum(1) > 0).long()
        masks = torch.rand(count, ROWS, width, generator=generator) < 0.5
        seen = torch.where(masks, inputs, torch.zeros(())).to(device)
        training = torch.arange(ROWS) % 2 == 0

        def ours(seen: Tensor = seen, labels: Tensor = labels, training: Tensor = training) -> Tensor:
            return retrained_accuracies(lambda net: seen[net], len(seen), labels, training)

        def loop(seen: Tensor = seen, labels: Tensor = labels, training: Tensor = training) -> Tensor:
            return torch.stack([_alone(one, labels.to(device), training.to(device), STANDARD) for one in seen])

        gap = float((ours() - loop()).abs().mean())
        assert gap < APART, f"the two must train the same nets, their accuracies are {gap:.3f} apart"
        fast, slow = interleaved(ours, loop)
        yield Row(f"retraining {count} nets of {width} entries on {device.type}: ours / plain loop", fast, "s", slow)


def _alone(
    inputs: Float[Tensor, "n d"], labels: Int[Tensor, " n"], training: Bool[Tensor, " n"], recipe: Recipe
) -> Float[Tensor, ""]:
    """The accuracy of one net, trained by itself from the same weights on the same rows."""
    generator = torch.Generator().manual_seed(recipe.seed)
    first, bias, second, last = _first_weights(1, inputs.shape[1], CLASSES, recipe, generator, inputs.device)
    net = nn.Sequential(nn.Linear(inputs.shape[1], recipe.hidden), nn.ReLU(), nn.Linear(recipe.hidden, CLASSES))
    names = ("0.weight", "0.bias", "2.weight", "2.bias")
    values = (first[0].T, bias[0, 0], second[0].T, last[0, 0])
    net.load_state_dict({name: value.detach() for name, value in zip(names, values, strict=True)})
    net = net.to(inputs.device)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay)
    learned, answers = inputs[training], labels[training]
    for rows in _batches(len(answers), recipe, generator):
        loss = nn.functional.cross_entropy(net(learned[rows.to(inputs.device)]), answers[rows.to(inputs.device)])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        right = net(inputs[~training]).argmax(1) == labels[~training]
    accuracy: Tensor = right.double().mean()
    return accuracy.cpu()
