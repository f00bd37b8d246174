"""Evidence that a classifier of two stacked digits reads the one and not the other, in distribution and image by image.

    evidence = certify(model, pairs, run, reads="low", training="standard", eps=2.0)

Every intervention makes an image that training could have shown, since both digits are drawn independently.

- *other digit ignored*: the digit that is not to be read is exchanged for another of its group. Does the prediction
  stay?
- *own digit followed*: the digit to be read is exchanged for one of another code. Does the prediction become that code?
- *blocks exchanged*: both digits change places. Does the prediction stay?

An image is *confirmed* where the prediction is right and both exchanges of digits, drawn eight times each, show it:
there, what the model uses is known of the image and not of the average one.

Three facts stand beside it. How much of the movement of the true class's logit is its own digit's doing: the mean
square change when that digit is exchanged, as a share of the sum of both exchanges'. The accuracy under an adversary
who may change the whole image. And that under one who may change the *other* digit alone: this local sensitivity is
another truth than use in distribution, and no gradient can be expected to be blank where it is great.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from benchmark.subjects import Check, Run
from tasks.models.shared.stacking import compose
from tasks.models.shared.training import robust_accuracy
from tasks.models.stacked_digits.pairs import Pairs, Reads

DRAWS = 8
"""Digits that each image's are exchanged for."""
STAYS, FOLLOWS = 7 / 8, 6 / 8
"""An image is confirmed if so many of the draws keep, and so many change, its prediction. One failure in eight may be
an unlucky draw; a digit put in its own one's place is misread more often than that, whatever the image."""
ENOUGH = 0.9
"""Threshold of the shares of images: at most one exception in ten. Then the rule that is planted is the model's, and
the images that are confirmed are most of them and no choice of odd ones. A constant answer follows in a fifth of the
cases, and one that listens to both digits alike can neither ignore nor follow in more than about a half."""
LEAST_ROBUST = 0.3
"""Of a model trained against the adversary: one trained as usual keeps next to nothing."""
ATTACKED = 200
ATTACK_STEPS = 10


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was measured."""

    checks: list[Check]
    facts: dict[str, float]
    confirmed: Bool[Tensor, " n"]
    """Which images' answers are known to rest on the own digit; with random weights, none."""


def certify(
    model: nn.Module,
    pairs: Pairs,
    run: Run,
    *,
    reads: Reads,
    training: Literal["standard", "robust", "none"],
    eps: float,
) -> Evidence:
    """Intervene on the test images."""
    images, codes = pairs.images().to(run.device), pairs.codes(reads)
    logits = _logits(model, images)
    predictions, mine = logits.argmax(1), codes[:, None]
    right = predictions == codes
    facts = {"accuracy": _mean(right)}
    if training == "none":
        # a guess is right in a fifth; random weights may favour a class, and five are few
        check = Check("accuracy (random weights)", facts["accuracy"], 0.4, at_least=False)
        return Evidence([check], facts, torch.zeros_like(right))

    stays, follows = [], []
    moves = {"own": 0.0, "other": 0.0}
    other: Reads = "high" if reads == "low" else "low"
    for changed in pairs.exchange(other, DRAWS, False, run.generator("other digits")):
        altered = _logits(model, changed.images().to(run.device))
        stays.append(altered.argmax(1) == predictions)
        moves["other"] += float((altered - logits).gather(1, mine).square().mean())
    for changed in pairs.exchange(reads, DRAWS, True, run.generator("own digits")):
        altered = _logits(model, changed.images().to(run.device))
        follows.append(altered.argmax(1) == changed.codes(reads))
        moves["own"] += float((altered - logits).gather(1, mine).square().mean())
    stay, follow = torch.stack(stays).float().mean(0), torch.stack(follows).float().mean(0)
    turned = _logits(model, compose(*_blocks(pairs), ~pairs.tops).to(run.device)).argmax(1)
    confirmed = right & (stay >= STAYS) & (follow >= FOLLOWS)

    few = slice(ATTACKED)
    anywhere, elsewhere = (
        robust_accuracy(
            attacked,
            start[few],
            codes[few].to(run.device),
            eps=eps,
            steps=ATTACK_STEPS,
            restarts=1,
            generator=run.generator(name),
        )
        for attacked, start, name in (
            (model, images, "attack"),
            (Beside(model, pairs, reads, few).to(run.device), _blocks(pairs)[reads == "low"].to(run.device), "beside"),
        )
    )
    checks = [
        Check("accuracy", facts["accuracy"], ENOUGH),
        Check("other digit ignored", _mean(stay), ENOUGH),
        Check("own digit followed", _mean(follow), ENOUGH),
        Check("blocks exchanged", _mean(turned == predictions), ENOUGH),
    ]
    if training == "robust":
        checks.append(Check("accuracy under attack", anywhere, LEAST_ROBUST))
    facts |= {
        "accuracy under attack": anywhere,
        "accuracy under attack of the other digit alone": elsewhere,
        "images confirmed": _mean(confirmed),
        "share of the logit's movement that is the own digit's": moves["own"] / (moves["own"] + moves["other"]),
    }
    return Evidence(checks, facts, confirmed)


class Beside(nn.Module):
    """The model as a function of the digit that it should not read, the one that it reads held fixed."""

    fixed: Tensor
    tops: Tensor

    def __init__(self, model: nn.Module, pairs: Pairs, reads: Reads, chosen: slice) -> None:
        super().__init__()
        self.model, self.reads = model, reads
        self.register_buffer("fixed", _blocks(pairs)[reads == "high"][chosen])
        self.register_buffer("tops", pairs.tops[chosen])

    def forward(self, others: Float[Tensor, "n 28 28"]) -> Float[Tensor, "n classes"]:
        """The logits with `others` in the other digits' places."""
        low, high = (self.fixed, others) if self.reads == "low" else (others, self.fixed)
        logits: Tensor = self.model(compose(low, high, self.tops))
        return logits


def _blocks(pairs: Pairs) -> tuple[Float[Tensor, "n 28 28"], Float[Tensor, "n 28 28"]]:
    """The low and the high digits of the images."""
    return pairs.groups.low.digits[pairs.low], pairs.groups.high.digits[pairs.high]


def _logits(model: nn.Module, images: Float[Tensor, "n 1 56 28"]) -> Float[Tensor, "n classes"]:
    with torch.no_grad():
        logits: Tensor = model(images).cpu()
        return logits


def _mean(shares: Tensor) -> float:
    return float(shares.float().mean())
