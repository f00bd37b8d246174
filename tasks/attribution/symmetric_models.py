"""Turned, shifted or in another order: which of two patterns does the net read, and does its explanation move along?

    input = noise + two patterns of four entries, in signs and places of their own;   a net names the kind of one
    groups: the 8 turns and reflections of an image, the 24 shifts of a series, the orders of a set of 8 elements
    two rivals: one net reads the first pattern, the other the second
    truth: the four entries of the pattern that is read;   figure: those of both

The weights are tied, so that no move of the group can change an answer; in `learned` they are not, and the net learned
from inputs at all places that places do not count. A question holds moved copies of its inputs, and copies that hardly
differ, found by a search for those that turn the gradients of both nets most while both answers stay.

**Used** are the four entries of one pattern, as the certificate shows: a pattern of another kind there turns the
answer, the other pattern drawn anew does not, and each of the four entries has its share. (One entry alone taken out
of the other pattern makes it a shape that no net has seen, and has a fifth to a half of the effect; it stands with the
certificate.) **Associated** with the answer is nothing else: kinds, signs and places are independent. **Blind**,
nobody can tell: inputs and targets of both nets are the same, since only inputs are asked about whose patterns are of
one class, and near copies were made for both nets at once. So the scores of one map for both nets add up to 1,
whatever was learned from other seeds.

Primary is the order among the entries of both patterns (`figure_auroc`). `equivariance` cannot be: the magnitude of
the input moves with it and looks at no model. It says which explanations hold more than the model and the input: those
that draw noise, cut the input into patches, or slide windows over it. Averages over the group (`invariant_wrapper`)
take that away again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.families.attribution.near import with_copies
from benchmark.subjects import Saved
from tasks.models.symmetric_models.subject import PATTERN, Reads
from tasks.models.symmetric_models.subject import SymmetricModels as Subject


@attribution_task(
    cites="arXiv:2304.06715",
    subject="symmetric_models",
    primary="figure_auroc",
    controls=(
        "input_magnitude",
        "edge_detector",
        "position_prior",
        "random_weights_gradient",
        "blurred_random",
        "blind_segmenter",
    ),
    metrics=(
        *("figure_auroc", "auroc", "rank_accuracy", "equivariance", "invariance"),
        *("sensitivity_max", "worst_case_similarity", "infidelity"),
    ),
    variants={
        "dihedral_first": {},
        "dihedral_second": {"reader": "second"},
        "shifts_first": {"group": "shifts"},
        "shifts_second": {"group": "shifts", "reader": "second"},
        "permutations_first": {"group": "permutations"},
        "permutations_second": {"group": "permutations", "reader": "second"},
        "learned_first": {"tied": False},
        "learned_second": {"tied": False, "reader": "second"},
        "faint_first": {"strength": 2.0},
        "faint_second": {"strength": 2.0, "reader": "second"},
        "untrained_first": {"training": "none"},
        "untrained_second": {"training": "none", "reader": "second"},
    },
    rivals={f"{name}_first": f"{name}_second" for name in ("dihedral", "shifts", "permutations", "learned", "faint")},
    twins={"dihedral_first": "untrained_first", "dihedral_second": "untrained_second"},
    unranked=("untrained_first", "untrained_second"),
    dials={
        "group": ("dihedral_first", "shifts_first", "permutations_first"),
        "signal to noise": ("dihedral_first", "faint_first"),
    },
    small={"variants": ("dihedral_first", "dihedral_second")},
)
@dataclass(frozen=True, kw_only=True)
class SymmetricModels:
    """Where is the pattern that the net reads?"""

    reader: Reads = "first"
    """Whose answer is to be explained."""

    def pose(self, saved: Saved) -> AttributionQuestion:
        """The net, inputs and their copies with the class as target, the group's moves, and 0 as baseline."""
        subject: Subject = saved.subject
        public = {name: values.to(saved.device) for name, values in saved.public.items()}
        return AttributionQuestion(
            model=subject.load(saved).get_submodule(self.reader),
            inputs=public["inputs"],
            targets=public["classes"],
            background=public["background"],
            baseline=torch.zeros_like(public["background"][0]),
            seed=saved.method_seed,
            symmetries=public["symmetries"],
        )

    def truth(self, saved: Saved) -> AttributionTruth:
        """The four entries of the pattern that is read, on every copy where it was moved."""
        subject: Subject = saved.subject
        both = subject.places(saved)
        used = both[:, PATTERN[self.reader]]
        truth = AttributionTruth(masks={"": used}, zero_set=~used, figure=both.any(1))
        return with_copies(truth, subject.copies(saved, len(both)))
