"""Two stacked digits, of which the model reads one: which?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, Contrast, attribution_task
from benchmark.subjects import Saved
from tasks.models.shared.stacking import first_mask
from tasks.models.stacked_digits.pairs import Reads
from tasks.models.stacked_digits.subject import StackedDigits

INK = 0.25
"""A pixel at least this bright belongs to a digit."""


@attribution_task(
    cites="arXiv:1907.09701",
    subjects={
        "low": {"subject": "stacked_digits", "reads": "low"},
        "high": {"subject": "stacked_digits", "reads": "high"},
    },
    primary="figure_auroc",
    controls=("edge_detector", "input_magnitude", "position_prior", "tile_roughness"),
    metrics=(
        "figure_auroc",
        "figure_choice",
        "figure_mass",
        "truth_mass",
        "rank_accuracy",
        "auroc",
        "average_precision",
        "null_share",
        "model_contrast",
    ),
    variants={
        "low": {},
        "high": {"reader": "high"},
        "robust_low": {"training": "robust"},
        "robust_high": {"training": "robust", "reader": "high"},
        "cnn_low": {"architecture": "cnn"},
        "cnn_high": {"architecture": "cnn", "reader": "high"},
        "untrained_low": {"training": "none"},
        "untrained_high": {"training": "none", "reader": "high"},
        "untrained_cnn_low": {"training": "none", "architecture": "cnn"},
        "untrained_cnn_high": {"training": "none", "architecture": "cnn", "reader": "high"},
    },
    rivals={"low": "high", "robust_low": "robust_high", "cnn_low": "cnn_high"},
    twins={
        "low": "untrained_low",
        "high": "untrained_high",
        "robust_low": "untrained_low",
        "robust_high": "untrained_high",
        "cnn_low": "untrained_cnn_low",
        "cnn_high": "untrained_cnn_high",
    },
    small={"variants": ("low", "high"), "inputs": 24},
)
@dataclass(frozen=True, kw_only=True)
class StackedDigitsTask:
    """Which of two digits does the classifier read?"""

    reader: Reads = "low"
    """Whose answer is to be explained: that of the model that reads the low, or the high digit."""
    inputs: int = 100
    """So many test images are explained: the first ones, in the test set's order, on which both readers give the same
    answer and are confirmed to read their digit. Of random weights nothing is confirmed; for them they are the first
    ones on which both answers should be the same."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The model, images with their codes as targets, training images, and a black image as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: StackedDigits = asked.subject
        images = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=images,
            targets=asked.public["labels"][chosen].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(images[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The block of the digit that is read, and its ink; the other block carries nothing."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: StackedDigits = asked.subject
        low = first_mask(subject.pairs(asked).tops[chosen])
        ink = asked.public["inputs"][chosen].cpu() >= INK
        used = low if self.reader == "low" else ~low
        return AttributionTruth(
            masks={"": used, "digit": used & ink},
            zero_set=~used,
            contrast=Contrast(low & ink, self.reader == "low", f"{subject.training} {subject.architecture}"),
            figure=ink,
        )

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test images to explain, the same for both readers."""
        low, high = (saved[reader].public for reader in ("low", "high"))
        chosen = low["labels"] == high["labels"]
        if saved[self.reader].subject.training != "none":
            chosen &= low["confirmed"] & high["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
