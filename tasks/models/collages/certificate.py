"""Does the net know the glyphs, and do its activations hold each of them in a direction?

The net's answer to a collage of n objects is the n greatest logits. Objects are exchanged twice: in the pixels, and in
the activations, where the direction of the one is taken away and that of the other added. Both times the answer must
follow. A direction is the mean activation of the collages with an object less that of those without. As collages hold
equally many objects, whatever all objects have in common is in every row; differences of means leave it out.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.subjects import Check
from tasks.models.collages.images import Collages

KNOWN = 0.9
"""One object in ten is room for glyphs that the noise hides."""
FOLLOWED = 0.8
"""The new object is named and the old one is not: nine in ten of nine in ten."""
GUESS = 0.6
"""The most that random weights may have: half-way between guessing, of five classes, and knowing."""
EXPLAINED = 0.5
"""What is not objects is no more than what is."""


def activations(model: nn.Module, collages: Collages, chunk: int = 500) -> Float[Tensor, "n d"]:
    """The last hidden layer's, on the CPU."""
    device = next(model.parameters()).device
    assert isinstance(model.encoder, nn.Module)
    with torch.no_grad():
        return torch.cat([model.encoder(part.to(device)).cpu() for part in collages.pixels().split(chunk)])


def effects(rows: Float[Tensor, "n d"], present: Bool[Tensor, "n classes"]) -> Float[Tensor, "classes d"]:
    """For each object, the mean of the rows with it less the mean of the rows without it."""
    on = present.float()
    off = 1 - on
    with_it = on.T @ rows / on.sum(0).clamp(min=1)[:, None]
    without = off.T @ rows / off.sum(0).clamp(min=1)[:, None]
    return with_it - without


def share_added(classes: int) -> float:
    """What a row gains by an object, as a share of its effect: the effect is against the mean of the other objects, the
    gain against the mean of all."""
    return (classes - 1) / classes


def checks(
    model: nn.Module, collages: Collages, generator: torch.Generator, *, trained: bool
) -> tuple[list[Check], dict[str, float]]:
    """The certificate, and what else was measured."""
    present, rows = collages.present(), activations(model, collages)
    read = model.read
    assert isinstance(read, nn.Module)
    device = next(model.parameters()).device
    count = collages.classes.shape[1]

    def named(hidden: Float[Tensor, "n d"]) -> Bool[Tensor, "n classes"]:
        chosen = read(hidden.to(device)).topk(count, 1).indices.cpu()
        return torch.zeros_like(present).scatter(1, chosen, True)

    right = float((named(rows) & present).sum() / present.sum())
    if not trained:
        return [Check("objects named (random weights)", right, GUESS, at_least=False)], {}
    # the first of the classes in an order by lot that are not there
    lot = torch.rand(present.shape, generator=generator).masked_fill(present, -1.0)
    old, new = collages.classes[:, 0], lot.argmax(1)
    direction, row = effects(rows, present), torch.arange(len(rows))

    def follows(hidden: Float[Tensor, "n d"]) -> float:
        said = named(hidden)
        return float((said[row, new] & ~said[row, old]).float().mean())

    rest = rows - rows.mean(0)
    explained = rest - share_added(present.shape[1]) * (present.float() - present.float().mean(0)) @ direction
    return [
        Check("objects named", right, KNOWN),
        Check(
            "exchanged in the pixels, the answer follows",
            follows(activations(model, collages.exchanged(new))),
            FOLLOWED,
        ),
        Check(
            "exchanged in the activations, the answer follows",
            follows(rows - direction[old] + direction[new]),
            FOLLOWED,
        ),
        Check(
            "variance that the objects explain",
            float(1 - explained.square().sum() / rest.square().sum()),
            EXPLAINED,
        ),
    ], {"cosine of effects and read-out": _agreement(direction, read)}


def class_directions(weight: Float[Tensor, "classes d"]) -> Float[Tensor, "classes d"]:
    """Rows of a read-out less their mean, of length 1: what tells a class from the others."""
    return nn.functional.normalize(weight - weight.mean(0), dim=1)


def _agreement(direction: Float[Tensor, "classes d"], read: nn.Module) -> float:
    """The mean cosine of effects and class directions: what writes an object, and what reads it."""
    weight = read.weight
    assert isinstance(weight, Tensor)
    cosines = (nn.functional.normalize(direction, dim=1) * class_directions(weight.detach().cpu())).sum(1)
    return float(cosines.mean())
