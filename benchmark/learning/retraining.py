"""Many small classifiers that differ in their inputs alone, trained as one: weights are stacked [nets, ...].

    retrained_accuracies(inputs, count, labels, training) -> accuracy of each net on the rows that are not `training`

`inputs(k)` are the rows [n, d] as net k sees them. All nets start from the same weights and see the same rows in the
same order, so that a difference between two accuracies comes from their inputs. No net touches another: losses are
added, and Adam works entry by entry. Nets are trained in chunks that fit the memory; on a CPU chunks change no bit (a
test holds us to it), on a GPU the order of sums in a product may depend on the chunk, and with it single predictions.

Each is a perceptron with one hidden layer: x -> ReLU(x W + b) V + c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

FLOAT = 4
"""Bytes."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a net is made; the same for all that are compared."""

    hidden: int = 32
    steps: int = 150
    batch: int = 64
    """Rows a step, or all where there are fewer."""
    learning_rate: float = 3e-3
    decay: float = 1e-2
    """Weight decay (AdamW, Loshchilov and Hutter 2019)."""
    seed: int = 0
    """Of the first weights and of the order of the rows."""
    memory_mb: float = 512.0
    """So much a chunk of nets may take, estimated; one net is always trained."""


STANDARD = Recipe()


def retrained_accuracies(
    inputs: Callable[[int], Float[Tensor, "n d"]],
    count: int,
    labels: Int[Tensor, " n"],
    training: Bool[Tensor, " n"],
    recipe: Recipe = STANDARD,
) -> Float[Tensor, " count"]:
    """Train `count` nets on the rows in `training`, test each on the others: the share of right answers, on the CPU."""
    classes = int(labels.max()) + 1
    rows, width = inputs(0).shape
    chunk = nets_at_once(rows, width, classes, recipe)
    found = []
    for start in range(0, count, chunk):
        stacked = torch.stack([inputs(k).float() for k in range(start, min(start + chunk, count))])
        found.append(_accuracies(stacked, labels.to(stacked.device), training.to(stacked.device), classes, recipe))
    return torch.cat(found)


def nets_at_once(rows: int, width: int, classes: int, recipe: Recipe) -> int:
    """How many nets fit the memory: inputs, weights with gradient, two moments and an update, and a step's batch."""
    weights = width * recipe.hidden + recipe.hidden + recipe.hidden * classes + classes
    step = min(rows, recipe.batch) * (2 * width + 3 * recipe.hidden + 3 * classes)
    return max(1, int(recipe.memory_mb * 1e6 / FLOAT / (rows * width + 5 * weights + step)))


def _accuracies(
    inputs: Float[Tensor, "k n d"],
    labels: Int[Tensor, " n"],
    training: Bool[Tensor, " n"],
    classes: int,
    recipe: Recipe,
) -> Float[Tensor, " k"]:
    nets, device = len(inputs), inputs.device
    generator = torch.Generator().manual_seed(recipe.seed)
    weights = _first_weights(nets, inputs.shape[2], classes, recipe, generator, device)
    learned, answers = inputs[:, training], labels[training]
    optimiser = torch.optim.AdamW(weights, lr=recipe.learning_rate, weight_decay=recipe.decay)
    for rows in _batches(len(answers), recipe, generator):
        logits = _logits(learned[:, rows.to(device)], weights)
        targets = answers[rows.to(device)].expand(nets, -1)
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
        optimiser.zero_grad()
        (loss / len(rows)).backward()
        optimiser.step()
    with torch.no_grad():
        right = _logits(inputs[:, ~training], weights).argmax(2) == labels[~training]
    return right.double().mean(1).cpu()


def _first_weights(
    nets: int, width: int, classes: int, recipe: Recipe, generator: torch.Generator, device: torch.device
) -> list[Tensor]:
    """The same for every net: normal weights of variance 2 / fan-in before the ReLU and 1 / fan-in behind it."""
    first = torch.randn(width, recipe.hidden, generator=generator) * (2 / width) ** 0.5
    second = torch.randn(recipe.hidden, classes, generator=generator) * recipe.hidden**-0.5
    shared = (first, torch.zeros(1, recipe.hidden), second, torch.zeros(1, classes))
    return [part.to(device).repeat(nets, 1, 1).requires_grad_() for part in shared]


def _logits(inputs: Float[Tensor, "k n d"], weights: list[Tensor]) -> Float[Tensor, "k n classes"]:
    first, bias, second, last = weights
    return torch.baddbmm(last, torch.baddbmm(bias, inputs, first).relu(), second)


def _batches(count: int, recipe: Recipe, generator: torch.Generator) -> list[Int[Tensor, " rows"]]:
    """The rows of every step: one permutation after another, cut into equal parts."""
    size = min(count, recipe.batch)
    found: list[Tensor] = []
    while len(found) < recipe.steps:
        found += torch.randperm(count, generator=generator)[: count // size * size].split(size)
    return found[: recipe.steps]
