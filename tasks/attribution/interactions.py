"""Products: a column that says nothing without the others.

    pair: x1 x2    triple: x1 x2 x3    sum of pairs: x1 x2 + x3 x4    pair of steps: tanh 4 x1 tanh 4 x2

Columns are independent and even around 0, so that the mean of a product, given any one of its columns, is 0: there are
no main effects. **Used** are the columns of the product that an input is asked about, as the certificate shows column
by column; **associated** with the output, taken one by one, is none. **Blind**, nobody can tell: all columns have one
distribution and stand in an order that the seed draws.

What moves one column at a time from an input where the others are small sees little; what replaces columns by the
baseline 0 sees the whole product in each of its columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.planted_rules.questions import Asked, asked, relevant
from tasks.models.planted_rules.subject import PlantedRules


@attribution_task(
    cites="arXiv:2406.12150",
    subject="planted_rules",
    primary="feature_precision",
    controls=("input_magnitude", "random_weights_gradient", "blind_segmenter"),
    metrics=("feature_precision", "auroc", "average_precision", "truth_mass", "false_positive_mass", "infidelity"),
    variants={
        "pairs": {"rules": "interactions", "noise": 5},
        "triples": {"rules": "interactions", "noise": 5, "order": 3},
        "untrained": {"rules": "interactions", "noise": 5, "training": "none"},
    },
    twins={"pairs": "untrained"},
    unranked=("untrained",),
    dials={"order": ("pairs", "triples")},
    small={"variants": ("pairs", "untrained"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class Interactions:
    """Which columns are multiplied?"""

    order: int = 2
    """How many columns a product has; those of two and three are outputs of one net."""
    inputs: int = 120
    """So many inputs are explained, the products in turn."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The net, inputs with a product as target, inputs of the training distribution, and 0 as baseline."""
        return self._asked(saved).question(saved)

    def truth(self, saved: Saved) -> AttributionTruth:
        """The columns of each input's product."""
        subject: PlantedRules = saved.subject
        used = relevant(subject.plant(saved)[0], self._asked(saved))
        return AttributionTruth(masks={"": used}, zero_set=~used)

    def _asked(self, saved: Saved) -> Asked:
        return asked(saved, self.inputs, lambda rule: rule.order == self.order)
