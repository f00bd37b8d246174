"""Two copies, either of which would do: which of them does the net read?

    input: each column of six rules stands there twice, with one value
    two rivals: one net learned from the first copies, the other from the second
    truth: the copies that are read, of the rule that is asked about;   figure: both copies of them

**Used** is one copy: in training the two were independent, and the certificate shows for each column that the output
follows the one and ignores the other. **Associated** with the output are both: on the inputs that are asked about they
are equal. **Blind**, nobody can tell: inputs, targets and background of the two rivals are the same, and their truths
complete each other.

What looks for the label in the data (a retrained net, a correlation) finds both copies; what looks at the model should
find one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.planted_rules.questions import Asked, asked, copied, relevant
from tasks.models.planted_rules.subject import READ, PlantedRules, Reads


@attribution_task(
    cites="arXiv:2406.12150",
    subjects={
        "first": {"subject": "planted_rules", "rules": "selection", "copies": True},
        "second": {"subject": "planted_rules", "rules": "selection", "copies": True, "reads": "second"},
    },
    primary="figure_auroc",
    controls=("input_magnitude", "random_weights_gradient", "blind_segmenter"),
    metrics=("figure_auroc", "feature_precision", "truth_mass", "false_positive_mass"),
    variants={
        "first": {},
        "second": {"reader": "second"},
        "noise_200_first": {"noise": 200},
        "noise_200_second": {"noise": 200, "reader": "second"},
        "untrained_first": {"training": "none"},
        "untrained_second": {"training": "none", "reader": "second"},
    },
    rivals={"first": "second", "noise_200_first": "noise_200_second"},
    twins={"first": "untrained_first", "second": "untrained_second"},
    unranked=("untrained_first", "untrained_second"),
    dials={"noise columns": ("first", "noise_200_first")},
    small={"variants": ("first", "second"), "inputs": 60},
)
@dataclass(frozen=True, kw_only=True)
class RedundantFeatures:
    """Which of two copies does the net read?"""

    reader: Reads = "first"
    """Whose output is to be explained."""
    inputs: int = 150
    """So many inputs are explained, the rules in turn."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, inputs with equal copies and a rule as target, inputs of the training distribution, and 0 as
        baseline."""
        return self._asked(saved).question(saved[self.reader])

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The copies that are read."""
        subject: PlantedRules = saved[self.reader].subject
        given, (sets, _) = self._asked(saved), subject.sets(saved[self.reader])
        both = torch.stack([relevant(plant, given) for plant in sets]).any(0)
        used = relevant(sets[READ[self.reader]], given)
        return AttributionTruth(masks={"": used}, zero_set=~used, figure=both)

    def _asked(self, saved: Mapping[str, Saved]) -> Asked:
        """The same inputs for both readers."""
        first = saved["first"]
        return copied(first.subject.sets(first)[0], asked(first, self.inputs))
