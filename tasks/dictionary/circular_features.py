"""Circular features: which of the planted circles has a dictionary found?

Not all features are directions: days of the week and months lie on circles in language models (Engels et al. 2024,
arXiv:2405.14860). A dictionary of single atoms writes such a feature with several of them, and none of these has a
meaning of its own. So the primary metric asks whether some atoms span the feature's plane, and nothing else, wherever
they lie in it (`subspace_recall`).

What is *used*: every planted feature, as activations are their sum. Nothing is merely *associated*: features are on
independently, in even places. What is *blind*: atoms that need no learning, drawn at random (`random_directions`) or
from the training rows (`training_rows`). A row with one feature alone is an atom of its plane, and two such rows are
the plane; the plant has so many features on that few planes get two.

The dial is the dimension of the features: directions of both signs, circles, spheres, 64 dimensions of them in 32.
Sizes are the same, so there are 3 atoms for a direction, 6 for a circle and 9 for a sphere; as many codes are asked for
as coordinates are on. At all of them learning that starts beside the truth comes back to it (the certificate).
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.families.dictionary.subspaces import halves, truth_of_subspaces
from benchmark.subjects import Saved
from tasks.models.circular_features.subject import CircularFeatures
from tasks.models.shared.activations import question_of


@dictionary_task(
    cites="arXiv:2405.14860",
    subject="circular_features",
    primary="subspace_recall",
    controls=("random_directions", "training_rows"),
    metrics=("subspace_recall", "l0", "explained_variance", "dead_fraction"),
    variants={
        "dimension_1": {"dimension": 1, "sparsity": 4},
        "dimension_2": {},
        "dimension_3": {"dimension": 3, "sparsity": 12},
    },
    dials={"dimension of a feature": ("dimension_1", "dimension_2", "dimension_3")},
    small={"variants": ("dimension_2",)},
)
@dataclass(frozen=True, kw_only=True)
class CircularFeaturesTask:
    """Find sparse features that are circles, spheres or signed directions."""

    size: int = 192
    """The most atoms a dictionary may have; exact codes need two for each of 64 coordinates."""
    sparsity: int = 8
    """Active codes a row that are asked for: one for each coordinate that is on, on average."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations, and the training rows' coordinates by sign for the supervised ceiling."""
        subject: CircularFeatures = saved.subject
        return question_of(
            saved,
            size=self.size,
            sparsity=self.sparsity,
            on=halves(subject.plant(saved.seed).coordinates["train"].flatten(1)) > 0,
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """The features' subspaces, and where on them each held-out row lies."""
        subject: CircularFeatures = saved.subject
        planted = subject.plant(saved.seed)
        return truth_of_subspaces(
            planted.subspaces.unbind(),
            planted.coordinates["validation"].flatten(1),
            planted.coordinates["test"].flatten(1),
            planted.bias,
        )
