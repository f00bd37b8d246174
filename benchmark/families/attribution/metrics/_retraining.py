"""What ROAR and KAR share: inputs with a share of their entries replaced, and nets that are trained on them anew.

The explained inputs themselves are the data: those with an even index train, those with an odd one test, and the
targets are the labels. A replaced entry holds the mean of its channel over the background (of the entry, where inputs
have no channels), as in the published code; entries are ranked by |attribution|, channels apart, and ties fall in one
random order that all explanations share, so that a constant map replaces random entries.

A mask can tell the label by its shape alone: a net that is trained on inputs with a digit-shaped hole reads the hole.
So each mask is also given to a net of its own *without* the inputs (`mask_control`): what it gets right there is no
merit of the entries' content. Beyond reach stays an explanation that tells the label by *which contents* it keeps (dark
entries for one class, bright ones for another; Jethani et al. 2021, arXiv:2103.01890).

Sizes: 40 inputs at least, and hundreds for numbers worth a comparison: with n test inputs an accuracy p has a standard
error of sqrt(p (1 - p) / n), 0.05 for 100 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion
from benchmark.families.family import Labelled
from benchmark.learning.retraining import STANDARD, Recipe, retrained_accuracies

FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)
KEPT = (0.05, 0.1, 0.3, 0.5, 0.7, 0.9)
"""What DiffROAR keeps; at 1 top and bottom are the same."""
LEAST_INPUTS = 40
LEAST_GAIN = 0.1
"""So much better than naming the most frequent class must a net be on whole inputs, or nothing can be lost."""


@dataclass(frozen=True)
class Retrained:
    """Accuracies on the test half; a row an explanation, a column a fraction."""

    intact: float
    """On whole inputs."""
    constant: float
    """Of always naming the class that is most frequent in the training half."""
    content: Float[Tensor, "m fractions"]
    """On inputs with entries replaced."""
    mask: Float[Tensor, "m fractions"]
    """On the masks alone."""


def retrained(
    explanations: Sequence[Labelled], question: AttributionQuestion, *, keep: bool, recipe: Recipe = STANDARD
) -> Retrained:
    """Train a net for every explanation and fraction, on what it leaves, and one on its mask.

    Args:
        keep: whether the fraction of the strongest entries stays (KAR) or is replaced (ROAR).

    Raises:
        Unsupported: there are no targets, too few inputs, or whole inputs cannot be learned.
    """

    def views(data: Float[Tensor, "n d"], places: Int[Tensor, "n d"], fraction: float) -> list[Float[Tensor, "n d"]]:
        strongest = places < round(fraction * places.shape[1])
        kept = _of_entries(strongest if keep else ~strongest, data)
        return [data * kept, kept * 2.0 - 1]

    intact, constant, found = _trained(explanations, question, FRACTIONS, views, 2, recipe)
    content, mask = found.unbind(2)
    return Retrained(intact, constant, content, mask)


def retrained_ends(
    explanations: Sequence[Labelled], question: AttributionQuestion, recipe: Recipe = STANDARD
) -> tuple[Float[Tensor, "m fractions"], Float[Tensor, "m fractions"]]:
    """Train two nets for every explanation and kept fraction: on the strongest entries, and on as many of the weakest.

    Raises:
        Unsupported: as `retrained`.
    """

    def views(data: Float[Tensor, "n d"], places: Int[Tensor, "n d"], fraction: float) -> list[Float[Tensor, "n d"]]:
        kept, count = round(fraction * places.shape[1]), places.shape[1]
        return [data * _of_entries(part, data) for part in (places < kept, places >= count - kept)]

    _, _, found = _trained(explanations, question, KEPT, views, 2, recipe)
    top, bottom = found.unbind(2)
    return top, bottom


def _trained(
    explanations: Sequence[Labelled],
    question: AttributionQuestion,
    fractions: Sequence[float],
    views: Callable[[Float[Tensor, "n d"], Int[Tensor, "n d"], float], list[Float[Tensor, "n d"]]],
    kinds: int,
    recipe: Recipe,
) -> tuple[float, float, Float[Tensor, "m fractions kinds"]]:
    """Accuracies on the test half: on whole inputs, of the most frequent class, and of a net for each explanation,
    fraction, and view of the inputs that the entries' places give."""
    if question.targets is None:
        raise Unsupported("retraining needs a class for each input, got targets None")
    if len(question.inputs) < LEAST_INPUTS:
        raise Unsupported(
            f"got {len(question.inputs)} inputs, expected at least {LEAST_INPUTS}: half of them train a net"
        )
    labels, data = question.targets, _standardised(question)
    training = (torch.arange(len(data)) % 2 == 0).to(data.device)

    @lru_cache(maxsize=1)
    def shown(which: int, fraction: int) -> list[Float[Tensor, "n d"]]:
        return views(data, ranks(which).to(data.device), fractions[fraction])

    @lru_cache(maxsize=1)
    def ranks(which: int) -> Int[Tensor, "n d"]:
        return ranked(explanations[which].explanation.magnitudes)

    def inputs(net: int) -> Float[Tensor, "n d"]:
        place, kind = divmod(net, kinds)
        return shown(*divmod(place, len(fractions)))[kind]

    intact = float(retrained_accuracies(lambda _: data, 1, labels, training, recipe))
    constant = float((labels[~training] == labels[training].mode().values).double().mean())
    if intact < constant + LEAST_GAIN:
        raise Unsupported(
            f"a net that is trained on {int(training.sum())} whole inputs is right on {intact:.2f} of the others, and "
            f"the most frequent class on {constant:.2f}: more inputs are needed"
        )
    found = retrained_accuracies(inputs, len(explanations) * len(fractions) * kinds, labels, training, recipe)
    return intact, constant, found.view(len(explanations), len(fractions), kinds)


def _of_entries(chosen: Bool[Tensor, "n places"], data: Float[Tensor, "n d"]) -> Bool[Tensor, "n d"]:
    """A pixel stands for all its channels."""
    return chosen.repeat(1, data.shape[1] // chosen.shape[1])


def ranked(magnitudes: Float[Tensor, "n d"]) -> Int[Tensor, "n d"]:
    """The place of each entry among those of its input, 0 for the strongest; ties in one order for all explanations."""
    shuffled = torch.rand(magnitudes.shape, generator=torch.Generator().manual_seed(0)).argsort(1)
    order = shuffled.gather(1, magnitudes.gather(1, shuffled).sort(dim=1, descending=True, stable=True).indices)
    return torch.empty_like(order).scatter_(1, order, torch.arange(order.shape[1]).expand_as(order).contiguous())


def _standardised(question: AttributionQuestion) -> Float[Tensor, "n d"]:
    """Inputs on a common scale, with 0 where a replaced entry stands."""
    channels = question.inputs.ndim > 2
    over = (0, *range(2, question.background.ndim)) if channels else (0,)
    mean = question.background.mean(over, keepdim=True)
    scale = (question.background - mean).std().clamp(min=1e-6)
    return ((question.inputs - mean) / scale).flatten(1)
