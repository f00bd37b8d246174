"""Formulas among noise: which columns does an output depend on?

    input: 60 columns that fifteen formulas of 1 to 10 columns read, each its own, and 20 to 200 that nobody reads
    a net with an output for each formula; each input is asked about one of them
    truth: the columns of that formula;   zero set: all others

**Used** are the columns of the formula that is asked about: exchanged for those of another input, each moves the output
as it moves the formula, and all others together leave it where it was (the certificate). **Associated** with the output
is nothing else: columns are independent. **Blind**, nobody can tell: columns stand in an order that the seed draws, all
with the same distribution, so that every control is at chance.

`uniformity_score` asks how the weights are divided among the columns of a formula, by three definitions; in which of
them the answer lies is a matter of taste, whether a column belongs to the formula is not: `feature_precision`, the
share of the strongest columns that do, is the primary metric.

The setting is that of ChaosMining (Shi, Kan, Smucny and Davidson 2024, arXiv:2406.12150), where nets are trained on a
fixed set of rows and marks fall as noise columns are added. There a net that never learned its formula, or learned its
rows by heart, cannot be told from a method that fails: formulas name columns without an effect, and nothing shows what
a net uses. Here the formulas are our own, rows are always fresh, and what the net uses is certified.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.planted_rules.questions import asked, references, relevant
from tasks.models.planted_rules.subject import PlantedRules


@attribution_task(
    cites="arXiv:2406.12150",
    subject="planted_rules",
    primary="feature_precision",
    controls=("input_magnitude", "random_weights_gradient", "blind_segmenter"),
    metrics=(
        *("feature_precision", "auroc", "average_precision", "truth_mass", "false_positive_mass", "uniformity_score"),
        *("completeness_gap", "infidelity"),
    ),
    variants={
        "noise_20": {},
        "noise_100": {"noise": 100},
        "noise_200": {"noise": 200, "steps": 5000},
        "untrained": {"training": "none"},
    },
    twins={"noise_20": "untrained"},
    unranked=("untrained",),
    dials={"noise columns": ("noise_20", "noise_100", "noise_200")},
    small={"variants": ("noise_20", "untrained"), "inputs": 60},
)
@dataclass(frozen=True, kw_only=True)
class SymbolicNoise:
    """Which columns does a formula have?"""

    inputs: int = 150
    """So many inputs are explained, the formulas in turn."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The net, inputs with a formula as target, inputs of the training distribution, and 0 as baseline."""
        return asked(saved, self.inputs).question(saved)

    def truth(self, saved: Saved) -> AttributionTruth:
        """The columns of each input's formula, and what derivative, ablation and path integral of it are."""
        subject: PlantedRules = saved.subject
        plant, given = subject.plant(saved)[0], asked(saved, self.inputs)
        used = relevant(plant, given)
        return AttributionTruth(masks={"": used}, zero_set=~used, references=references(plant, given))
