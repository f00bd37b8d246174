"""BlockMNIST: does an explanation mark the half of the image with the digit, or also the half that says nothing?

    input [1, 56, 28] = signal block (a digit, fixes the label) + null block (a square, or a jigsaw of a digit), stacked
    truth: "" the pixels of the signal block (half the image); "digit" those of them where the digit has ink
    zero set: the null block

Source: Shah, Jain and Netrapalli, "Do Input Gradients Highlight Discriminative Features?", NeurIPS 2021,
arXiv:2102.12781.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionSubject, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models import _blocks

INK = 0.25
"""A pixel of the signal block at least this bright belongs to the digit."""


@attribution_task(
    cites="arXiv:2102.12781",
    subject="blockmnist",
    primary="rank_accuracy",
    metrics=("rank_accuracy", "truth_mass", "auroc", "average_precision", "null_share"),
    variants={
        "standard": {},
        "top": {"position": "top"},
        "robust": {"training": "robust"},
        "untrained": {"training": "none"},
        "standard_noise": {"null": "noise"},
        "robust_noise": {"training": "robust", "null": "noise"},
        "standard_cnn": {"architecture": "cnn"},
        "robust_cnn": {"training": "robust", "architecture": "cnn"},
    },
    unranked=("untrained",),
)
@dataclass(frozen=True, kw_only=True)
class BlockMnistTask:
    """Which half of the image carries the digit that the classifier reads?"""

    inputs: int = 100
    """So many test images are explained: the first ones, in the test set's order, that the model classifies correctly.
    A model with random weights is right by chance only; for it they are the first ones."""

    def pose(self, saved: Saved) -> AttributionSubject:
        """The model, the images with their labels as targets, training images, and a black image as baseline."""
        chosen = self._chosen(saved)
        images = saved.public["inputs"][chosen].to(saved.device)
        return AttributionSubject(
            model=saved.subject.load(saved),
            inputs=images,
            targets=saved.public["labels"][chosen].to(saved.device),
            background=saved.public["background"].to(saved.device),
            baseline=torch.zeros_like(images[0]),
            seed=saved.seed,
        )

    def truth(self, saved: Saved) -> AttributionTruth:
        """The signal blocks, from the generator that placed them, and the digits' ink in them."""
        chosen = self._chosen(saved)
        tops = saved.subject.tops(len(saved.public["labels"]), saved.generator("test positions"))[chosen]
        block = _blocks.signal_mask(tops)
        ink = block & (saved.public["inputs"][chosen].cpu() >= INK)
        return AttributionTruth(masks={"": block, "digit": ink}, zero_set=~block)

    def _chosen(self, saved: Saved) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain."""
        correct = (saved.public["predictions"] == saved.public["labels"]).cpu()
        if saved.subject.training == "none":
            correct = torch.ones_like(correct)
        return correct.nonzero()[: self.inputs, 0]
