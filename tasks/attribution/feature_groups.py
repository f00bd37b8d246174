"""Columns that act together: which of them form a group?

    input: 24 columns in groups, and 8 that are nobody's, in an order that the seed draws
    two outputs, each a sum over its own groups of the 24 columns: a square, a step or the greatest of each
    truth: the groups of the output that is asked about;   mask: the 24 columns

**Used** are groups: what a column does to the output depends on the others of its group and on no column besides. The
certificate exchanges columns one by one and in pairs: pairs of a group do something together that neither does alone,
pairs of two groups do not. **Associated** with anything is nothing: columns are independent, and the two outputs divide
the same columns in two ways. **Blind**, nobody can tell: all columns have one distribution, and the order and the
divisions are drawn with the seed. But an overlap depends on how many groups one guesses, so that chance is not the
best guess. Of random groups of any one size, the best have .50, .25 and .28 for planted sizes of 2, 4 and 8: entries
alone, twice, and two halves. Both are controls, beside `correlated_groups`, which groups what varies together in the
inputs, and which finds nothing.

Primary is `fix_score`, the overlap with the planted groups (Jin et al. 2024, arXiv:2409.13684). Methods without groups
are unsupported: that a map of single columns has no groups is no failure of the map. What their maps say of the 24
columns is measured beside it, by the other metrics.

The dial is the size of a group. In larger groups there are more pairs, and each pair does less together: of a square
of eight columns, a pair's product is 1 / 28 of what is not a sum over columns. `fix_score`, means of three seeds:

    size of a group                2       4       8
    hierarchical_interactions   .985   1.000    .958
    clustered_groups            .892    .933    .525
    entries_alone               .500    .250    .125
    correlated_groups           .255    .210    .183
    random reference            .267    .177    .188
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.feature_groups.subject import FeatureGroups as Subject
from tasks.models.feature_groups.units import OUTPUTS


@attribution_task(
    cites="arXiv:2409.13684",
    subject="feature_groups",
    primary="fix_score",
    controls=("correlated_groups", "entries_alone", "random_groups", "blind_segmenter"),
    metrics=("fix_score", "auroc", "truth_mass", "false_positive_mass", "infidelity"),
    variants={
        "size_2": {"size": 2},
        "size_4": {"size": 4},
        "size_8": {"size": 8},
        "untrained": {"training": "none"},
    },
    twins={"size_4": "untrained"},
    unranked=("untrained",),
    dials={"group size": ("size_2", "size_4", "size_8")},
    small={"variants": ("size_4", "untrained"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class FeatureGroups:
    """Which columns act together?"""

    inputs: int = 100
    """So many inputs are explained, both outputs in turn."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The net, inputs with an output as target, inputs of the training distribution, and 0 as baseline."""
        subject: Subject = saved.subject
        background = saved.public["background"].to(saved.device)
        return AttributionQuestion(
            model=subject.load(saved),
            inputs=saved.public["inputs"][: self.inputs].to(saved.device),
            targets=self._targets().to(saved.device),
            background=background,
            baseline=torch.zeros_like(background[0]),
            seed=saved.method_seed,
        )

    def truth(self, saved: Saved) -> AttributionTruth:
        """The groups of each input's output, and the columns that are in any."""
        subject: Subject = saved.subject
        groups = subject.plant(saved).groups()[self._targets()]
        return AttributionTruth(masks={"": groups >= 0}, zero_set=groups < 0, groups=groups)

    def _targets(self) -> Int[Tensor, " inputs"]:
        return torch.arange(self.inputs) % OUTPUTS
