"""A sign at one of ten coordinates: does an explanation point to it?

    input = s e_j and s' e_k, side by side, in ten dimensions each; one net reads s, its rival s'; j and k say nothing
    truth: the coordinate whose sign is read;   among: both signs, or all coordinates of the part that is read

**Used** is the sign, wherever it stands. **Associated** with the label is nothing else. **Blind**, of the ten
coordinates of a part the only one that is not zero carries the sign, so that `standard` and `robust` are a diagnosis:
the toy problem of Shah, Jain and Netrapalli 2021 (arXiv:2102.12781, first version), whose two nets are right on all
inputs, while the gradient of the usual one is smallest where the sign is. Which of the two signs a net reads, nobody
can say who does not look at it: the rivals `first` and `second` are asked about the same inputs, with equal signs, and
their truths complete each other.

`figure_auroc` compares the entries among which the question is; `auroc` compares all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.sparse_signal.subject import PART, PARTS, Reads, SparseSignal


@attribution_task(
    cites="arXiv:2102.12781",
    subjects={
        "first": {"subject": "sparse_signal", "reads": "first"},
        "second": {"subject": "sparse_signal", "reads": "second"},
    },
    primary="figure_auroc",
    controls=("input_magnitude", "random_weights_gradient", "blurred_random", "blind_segmenter"),
    metrics=("figure_auroc", "auroc", "rank_accuracy", "truth_mass"),
    variants={
        "first": {},
        "second": {"reader": "second"},
        "robust_first": {"training": "robust"},
        "robust_second": {"training": "robust", "reader": "second"},
        "noise_first": {"noise": 0.2},
        "noise_second": {"noise": 0.2, "reader": "second"},
        "wide_first": {"dimension": 40},
        "wide_second": {"dimension": 40, "reader": "second"},
        "standard": {"among": "part"},
        "robust": {"training": "robust", "among": "part"},
        "untrained_first": {"training": "none"},
        "untrained_second": {"training": "none", "reader": "second"},
    },
    rivals={
        "first": "second",
        "robust_first": "robust_second",
        "noise_first": "noise_second",
        "wide_first": "wide_second",
    },
    unranked=("standard", "robust"),
    twins={"first": "untrained_first", "second": "untrained_second"},
    dials={"noise": ("first", "noise_first"), "dimension": ("first", "wide_first")},
    small={"variants": ("first", "second"), "inputs": 120},
)
@dataclass(frozen=True, kw_only=True)
class SparseSignalTask:
    """Which coordinate carries the sign that the net reads?"""

    reader: Reads = "first"
    """Whose answer is to be explained."""
    among: Literal["signs", "part"] = "signs"
    """Which entries are compared: the two that carry signs, or those of the part that is read."""
    inputs: int = 200
    """So many test inputs are explained: the first ones with two equal signs on which both nets are confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, inputs with their labels as targets, training inputs, and zero as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: SparseSignal = asked.subject
        inputs = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=inputs,
            targets=asked.public["labels"][chosen].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(inputs[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The coordinate of the sign that is read; the other part carries nothing."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: SparseSignal = asked.subject
        places = subject.points(asked).places[chosen]
        signs = torch.zeros(len(places), PARTS, subject.dimension, dtype=torch.bool)
        signs.scatter_(2, places[:, :, None], value=True)
        part = torch.zeros_like(signs)
        part[:, PART[self.reader]] = True
        figure = signs if self.among == "signs" else part
        return AttributionTruth(
            masks={"": (signs & part).flatten(1)}, zero_set=(~part).flatten(1), figure=figure.flatten(1)
        )

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test inputs to explain, the same for both readers."""
        first, second = (saved[reader].public for reader in ("first", "second"))
        chosen = first["labels"] == second["labels"]
        if saved[self.reader].subject.training != "none":
            chosen &= first["confirmed"] & second["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
