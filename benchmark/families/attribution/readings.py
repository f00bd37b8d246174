"""One method asked and read otherwise: what is explained, from which neutral input, with which sign and over channels.

    read(gradient, "target", "probability")(question)        the gradient of the class's probability, not of its logit

Papers differ in these choices and seldom say so. None of them is a part of a method: a task asks about the logit, gives
one neutral input, and its metrics rank magnitudes, summed over the channels of a pixel. How far a rank moves when one
of them is another is shown on the method's page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionExplanation, AttributionQuestion, check

READINGS = {
    "target": {
        "probability": "the class's probability instead of its logit",
        "loss": "the class's log-probability (the loss, turned round) instead of its logit",
    },
    "baseline": {
        "zeros": "zeros as the neutral input",
        "mean": "the mean of the background as the neutral input",
        "sample": "one input of the background as the neutral input",
    },
    "sign": {
        "positive": "only what speaks for the class",
        "negative": "only what speaks against the class",
    },
    "channels": {
        "net": "the magnitude of a pixel's sum over its channels",
        "largest": "the largest magnitude among a pixel's channels",
        "euclidean": "the Euclidean norm over a pixel's channels",
    },
}
"""What can be otherwise, with its other ways; the plain way is the task's own question, ranked by the metrics."""


def read(method: Callable[..., Any], axis: str, way: str) -> Callable[..., Any]:
    """The method with one choice made otherwise (see `READINGS`); it declines where the choice makes no difference that
    could be meant: no class, no channels."""

    def otherwise(question: AttributionQuestion, **parameters: Any) -> AttributionExplanation:
        asked = _asked(question, axis, way)
        found = check(method(asked, **parameters), asked)
        return replace(found, attributions=_read(found.attributions, question, axis, way))

    return otherwise


def _asked(question: AttributionQuestion, axis: str, way: str) -> AttributionQuestion:
    if axis == "target":
        if question.targets is None:
            raise Unsupported("the model has one output: no class whose probability could be asked for")
        scale = {"probability": nn.Softmax(1), "loss": nn.LogSoftmax(1)}[way]
        return replace(question, model=nn.Sequential(question.model, scale).eval())
    if axis == "baseline":
        background = question.background
        neutral = {"zeros": torch.zeros_like(background[0]), "mean": background.mean(0), "sample": background[0]}[way]
        return replace(question, baseline=neutral)
    return question


def _read(found: Tensor, question: AttributionQuestion, axis: str, way: str) -> Tensor:
    if axis == "sign":
        return (found if way == "positive" else -found).clamp_min(0)
    if axis == "channels":
        if not question.per_pixel or found.shape[1] == 1:
            raise Unsupported("it gives one number a place: no channels that could be read otherwise")
        over: Tensor = {"net": found.sum(1).abs(), "largest": found.abs().amax(1), "euclidean": found.norm(dim=1)}[way]
        return over.unsqueeze(1)
    return found
