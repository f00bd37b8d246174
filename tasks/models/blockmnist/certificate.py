"""Evidence that a classifier of stacked blocks reads the digit and nothing else, by interventions on the test images.

    checks, facts = certify(model, plant, run, training="standard", position="random", null="square", eps=2.0)

- *signal followed*: the signal block is exchanged for a digit of another label. Does the prediction become that label?
- *null ignored*: the null block is replaced. Does the prediction stay? The noise is exchanged for another
  image's, exactly as in training. A fixed block has no other value in training, so any other is foreign to the model;
  the one that is checked changes its pixels and no others: the block at half its brightness. Facts tell of three more:
  nothing at all, and the block moved by one pixel, split into the pixels that the move adds and those that it takes.
  What the move adds lies where digits are drawn, and a stroke there is evidence for a digit; that, and not what it
  takes from the null block, accounts for most of the predictions that a move changes.
- *blocks exchanged*: upper and lower half change places, where both orders occur in training. Does the prediction stay?
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.subjects import Check, Run
from tasks.models.blockmnist.blocks import Null, Plant, Position
from tasks.models.shared.stacking import compose
from tasks.models.shared.training import accuracy, predict, robust_accuracy

ATTACKED = 250
"""Test images attacked for the certificate."""
MOVES = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Of the fixed null block, by one pixel."""
ENOUGH = 0.85
"""Threshold of the certificate's shares: fewer than one image in seven is an exception."""


def certify(
    model: nn.Module,
    plant: Plant,
    run: Run,
    *,
    training: Literal["standard", "robust", "none"],
    position: Position,
    null: Null,
    eps: float,
) -> tuple[list[Check], dict[str, float]]:
    """Intervene on the test images: the certificate's lines, and numbers worth showing."""
    images, labels = plant.images().to(run.device), plant.labels.to(run.device)
    right = accuracy(model, images, labels)
    if training == "none":
        return [Check("accuracy (random weights)", right, 0.3, at_least=False)], {"accuracy": right}
    predictions = predict(model, images).cpu()

    def stays(
        digits: Float[Tensor, "n 28 28"], null_block: Float[Tensor, "#n 28 28"], tops: Bool[Tensor, " n"]
    ) -> float:
        changed = predict(model, compose(digits, null_block, tops).to(run.device)).cpu()
        return float((changed == predictions).float().mean())

    generator = run.generator("certificate")
    other = torch.randperm(len(labels), generator=generator)
    differs = plant.labels[other] != plant.labels
    swapped = compose(plant.digits[other], plant.null, plant.tops).to(run.device)
    followed = (predict(model, swapped).cpu() == plant.labels[other])[differs].float().mean()
    replaced = plant.null.roll(1, dims=0) if null == "noise" else plant.null / 2
    robust = robust_accuracy(
        model,
        images[:ATTACKED],
        labels[:ATTACKED],
        eps=eps,
        steps=20,
        restarts=3,
        generator=run.generator("attack"),
    )
    checks = [
        Check("accuracy", right, ENOUGH),
        Check("signal followed", float(followed), ENOUGH),
        Check("null ignored", stays(plant.digits, replaced, plant.tops), ENOUGH),
    ]
    if position == "random":
        checks.append(Check("blocks exchanged", stays(plant.digits, plant.null, ~plant.tops), ENOUGH))
    if training == "robust":
        checks.append(Check("accuracy under attack", robust, 0.3))
    facts = {
        "accuracy": right,
        "accuracy under attack": robust,
        "prediction stays without the null block": stays(plant.digits, torch.zeros_like(plant.null), plant.tops),
    }
    if null == "square":
        moved = torch.stack([plant.null[0].roll(move, dims=(0, 1)) for move in MOVES])
        moved = moved[torch.randint(len(MOVES), (len(labels),), generator=generator)]
        for what, block in (
            ("the null block moved by a pixel", moved),
            ("the pixels added that the move adds", moved.maximum(plant.null)),
            ("the pixels taken that the move takes", moved.minimum(plant.null)),
        ):
            facts[f"prediction stays with {what}"] = stays(plant.digits, block, plant.tops)
    return checks, facts
