"""Switches and gates: which columns matter for this input?

    switch   the sign of one column decides which of two groups of four is read
    choice   the sign of one column decides which of two columns is read
    gate     one column, where it is above 0, lets the sum of two others through
    xor, shell, additive    two or four columns, on all inputs

Six outputs of one net read columns of their own, among others that nobody reads; each input is asked about one of them.
The truth is what the output depends on around that input: the switch, and the group that it lets through.

**Used** are those columns, as the certificate shows column by column. **Associated** with an output are, beyond them,
the columns of the group that is shut out: they matter for other inputs. They are the second truth, `rule`, of which
the first is a part. **Blind**, nobody can tell: all columns have one distribution and stand in an order that the seed
draws.

The tasks are those of learned selection (Chen et al. 2018, arXiv:1802.07814; Yoon, Jordon and van der Schaar 2019,
ICLR), but for the switch, whose column had a distribution of its own there, by which it is found without a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.planted_rules.questions import Asked, asked, columns, relevant
from tasks.models.planted_rules.subject import PlantedRules


@attribution_task(
    cites="arXiv:1802.07814",
    subject="planted_rules",
    primary="feature_precision",
    controls=("input_magnitude", "random_weights_gradient", "blind_segmenter"),
    metrics=(
        *("feature_precision", "auroc", "average_precision", "truth_mass", "false_positive_mass"),
        *("completeness_gap", "infidelity"),
    ),
    variants={
        "switched": {"rules": "selection"},
        "all_rules": {"rules": "selection", "about": "all"},
        "distractors_200": {"rules": "selection", "noise": 200},
        "untrained": {"rules": "selection", "training": "none"},
    },
    twins={"switched": "untrained"},
    unranked=("untrained",),
    dials={"distractors": ("switched", "distractors_200")},
    small={"variants": ("switched", "untrained"), "inputs": 60},
)
@dataclass(frozen=True, kw_only=True)
class InstanceSelection:
    """Which columns does the output depend on, for this input?"""

    about: Literal["switched", "all"] = "switched"
    """"switched": the rules of which other columns matter on other inputs; "all": all six."""
    inputs: int = 150
    """So many inputs are explained, the rules in turn."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The net, inputs with a rule as target, inputs of the training distribution, and 0 as baseline."""
        return self._asked(saved).question(saved)

    def truth(self, saved: Saved) -> AttributionTruth:
        """What matters around each input; `zero_set` are the columns that are not of the rule."""
        subject: PlantedRules = saved.subject
        plant, given = subject.plant(saved)[0], self._asked(saved)
        return AttributionTruth(masks={"": relevant(plant, given)}, zero_set=~columns(plant, given))

    def _asked(self, saved: Saved) -> Asked:
        return asked(saved, self.inputs, lambda rule: self.about == "all" or rule.switched)
