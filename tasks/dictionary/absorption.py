"""Absorption: does a dictionary tell a feature also where a feature under it fires?

Planted is a forest: parents, and children that fire under them alone and exclude each other, all in orthogonal
directions. What is *used*: every feature, as activations are their sum, a parent's part being there in full under its
children. What is merely *associated*: parent and child, which fire together; an atom that stands for the sum of both
needs one code where the truth needs two, and what it saves the dictionary spends elsewhere. What is *blind*: atoms at
random (`random_directions`) and training rows (`training_rows`), some of which are a parent alone.

The primary metric asks for parent and child together (`absorption_free_f1`): dictionaries that know parents alone, or
sums alone, have nothing of it. `absorption_rate` is the published quantity where the parent was found at all,
`splitting` counts the atoms that share a feature, `uniqueness` how many features the atoms stand for.

    atoms for 36 features         size_36, size_72
    codes a row (2.9 planted)     l0_6, size_36         (6 leave room beside the truth, 3 just hold it)
    levels                        size_36, three_levels (27 pairs of parent and child in 9 trees, 30 in 5)

`size_18` is for the claim that absorption grows with width and has no rank: atoms that answer for several children tell
more pairs than half of the truth does, so that the truth is no ceiling there.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.feature_tree.asking import question_of, truth_of


@dictionary_task(
    cites="arXiv:2409.14507",
    subject="feature_tree",
    primary="absorption_free_f1",
    controls=("random_directions", "training_rows"),
    metrics=(
        "absorption_free_f1",
        "absorption_rate",
        "splitting",
        "uniqueness",
        "firing_f1",
        "recall_at_cosine_0.9",
        "mcc",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "size_18": {"size": 18},
        "size_36": {},
        "size_72": {"size": 72},
        "l0_6": {"sparsity": 6},
        "three_levels": {"roots": 5, "children": 2, "grandchildren": 2},
    },
    unranked=("size_18",),
    ceilings=dict.fromkeys(
        ("absorption_free_f1", "firing_f1", "recall_at_cosine_0.9", "mcc"),
        "with 18 atoms half of the features have none",
    ),
    dials={"atoms": ("size_36", "size_72"), "codes a row": ("l0_6", "size_36"), "levels": ("size_36", "three_levels")},
    small={"variants": ("size_36",)},
)
@dataclass(frozen=True, kw_only=True)
class AbsorptionTask:
    """Find features and the features under them; variants ask for other widths and sparsities or plant a level."""

    size: int = 36
    """The most atoms a dictionary may have: one for each feature, but for `size_18` and `size_72`."""
    sparsity: int = 3
    """Active codes a row that are asked for; the plant has 2.9 on average."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations, and the training rows' features for the supervised ceiling."""
        return question_of(saved, self.size, self.sparsity)

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Directions, magnitudes, which features are on, and under which."""
        return truth_of(saved)
