"""Hedging: does an atom of a narrow dictionary stand for one feature, or also for what fires along with it?

Planted are 16 pairs of features in orthogonal directions: a frequent one, and a partner half as frequent that is on
with it more often than without it (correlation .34). What is *used*: every feature, as activations are their sum. What
is merely *associated*: the two of a pair. A dictionary with one atom for each pair has the best directions if every
atom is one feature (what the oracle has), and the least error if the atom of the frequent one points a little at its
partner. What is *blind*: atoms at random (`random_directions`) and training rows (`training_rows`), which mix whatever
was on together.

The primary metric (`hedging_rate`) is how much of its partner an atom has in it, beyond what would be there by chance,
and 1 where no feature was found: lower is better. Its `@found` is nearest to the published rate.

    correlation      independent, size_16, nested         (0, .34, .68: partners on alone as often, less often, never)
    narrowness       size_32, size_24, size_16            (atoms for 32 features)

Nesting would make wide dictionaries absorb, which also mixes partners; therefore narrowness is turned where partners
are on without each other, too. `independent` is shown without rank: there is nothing to hedge with, and what is mixed
in is bad luck. Asked is the least number of codes a row that holds the features for which there are atoms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.feature_tree.asking import question_of, truth_of


@dictionary_task(
    cites="arXiv:2505.11756",
    subjects={
        "pairs": {"subject": "feature_tree", "roots": 16, "children": 1, "under": 0.5, "active": 3.6, "nesting": 0.5}
    },
    primary="hedging_rate",
    controls=("random_directions", "training_rows"),
    metrics=(
        "hedging_rate",
        "uniqueness",
        "firing_f1",
        "recall_at_cosine_0.9",
        "mcc",
        "mmcs_atoms_to_truth",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "independent": {"nesting": 0.0},
        "size_16": {},
        "nested": {"nesting": 1.0},
        "size_24": {"size": 24, "sparsity": 4},
        "size_32": {"size": 32, "sparsity": 4},
    },
    unranked=("independent",),
    ceilings=dict.fromkeys(
        ("firing_f1", "recall_at_cosine_0.9", "mcc"), "narrow dictionaries have fewer atoms than there are features"
    ),
    dials={
        "correlation": ("independent", "size_16", "nested"),
        "narrowness": ("size_32", "size_24", "size_16"),
    },
    small={"variants": ("size_16",)},
)
@dataclass(frozen=True, kw_only=True)
class HedgingTask:
    """Find single features with fewer atoms than there are features, of which pairs fire together."""

    size: int = 16
    """The most atoms a dictionary may have: one for each pair, but for `size_24` and `size_32`."""
    sparsity: int = 3
    """Active codes a row that are asked for; the 16 frequent features have 2.4 on average, all 32 have 3.6."""

    def pose(self, saved: Mapping[str, Saved]) -> DictionaryQuestion:
        """The noisy activations, and the training rows' features for the supervised ceiling."""
        return question_of(saved["pairs"], self.size, self.sparsity)

    def truth(self, saved: Mapping[str, Saved]) -> DictionaryTruth:
        """Directions, magnitudes, which features are on, and their partners."""
        return truth_of(saved["pairs"])
