"""Oversplitting: does a feature that looks different each time have one atom, or many of low recall?

    activation = sum_i on_i (w_i + spread * B_i e) + noise        16 features, each on in 12 rows of 100

Makelov, Lange and Nanda 2024 (arXiv:2405.08366) saw binary attributes in language models represented by many features
of low recall where a single one would do. Around each planted feature lies a cloud of two dimensions, beside all
features: where in it a row lies is drawn anew each time. Reconstruction gains by tiling the cloud with atoms, the
more the larger it is and the more atoms there are; what is on is told by w_i alone. Those are the two dials: the
cloud's radius in units of the feature, and the atoms.

What is *used*: that a feature is on, which the certificate reads along w_i without error. *Associated* is the place in
the cloud: it is there when the feature is, and tells which rows are alike. *Blind* are atoms that need no learning: a
training row with one feature on is itself a tile of that feature's cloud.

Measured on three seeds at 500 steps: where there is one atom for each feature, relu_l1 has 1.00 and topk .85; with four
for each, .50 and .69, and batch_topk and gated still .99.

The primary metric is the F1 of the best single atom for each feature (`coverage`), which falls with the recall of the
tiles: one of k equal tiles has 2 / (k + 1). It was chosen over the number of atoms for each feature (`splitting`,
beside it) because that has no direction: a dictionary without the feature has none for it, either.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.shared.activations import question_of
from tasks.models.spread_features.subject import SpreadFeatures


@dictionary_task(
    cites="arXiv:2405.08366",
    subject="spread_features",
    primary="coverage",
    controls=("random_directions", "training_rows"),
    metrics=(
        *("coverage", "coverage_above_null", "splitting", "mcc"),
        *("l0", "explained_variance", "dead_fraction"),
    ),
    variants={
        "spread_25": {"spread": 0.25},
        "spread_50": {},
        "spread_100": {"spread": 1.0},
        "narrow": {"size": 16},
        "wide": {"size": 256},
    },
    dials={
        "radius of a feature's cloud": ("spread_25", "spread_50", "spread_100"),
        "atoms": ("narrow", "spread_50", "wide"),
    },
    small={"variants": ("spread_50",)},
)
@dataclass(frozen=True, kw_only=True)
class OversplittingTask:
    """Find one atom for each feature, however different its occurrences look."""

    size: int = 64
    """The most atoms a dictionary may have, four for each feature."""
    sparsity: int = 2
    """Active codes a row that are asked for: as many as there are features on."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations, and the training rows' features for the supervised ceiling."""
        subject: SpreadFeatures = saved.subject
        return question_of(
            saved,
            size=self.size,
            sparsity=self.sparsity,
            on=subject.plant(saved.seed).on["train"],
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """What tells each feature, and where it is on."""
        subject: SpreadFeatures = saved.subject
        planted = subject.plant(saved.seed)
        validation, test = planted.on["validation"], planted.on["test"]
        return DictionaryTruth(
            validation,
            test,
            planted.directions,
            torch.zeros(subject.dimensions),
            validation_codes=validation.float(),
            test_codes=test.float(),
        )
