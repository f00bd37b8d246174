"""Superposition: are the planted features found, each by an atom of its own that fires when the feature is on?"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.superposition.subject import Superposition


@dictionary_task(
    cites="arXiv:2602.14687",
    subject="superposition",
    primary="firing_f1",
    controls=("random_directions",),
    metrics=(
        "firing_f1",
        "mcc",
        "mmcs_truth_to_atoms",
        "mmcs_atoms_to_truth",
        "recall_at_cosine_0.9",
        "l0",
        "explained_variance",
        "dead_fraction",
        "coverage",
        "coverage_above_null",
    ),
    variants={
        "l0_2": {"sparsity": 2},
        "l0_4": {},
        "l0_8": {"sparsity": 8},
        "zipf": {"law": "zipf"},
        "exponential": {"magnitude": "exponential"},
        "correlated": {"correlation": 0.5},
        "noisy": {"noise": 0.15},
        "narrow": {"size": 48},
    },
    small={"variants": ("l0_4",)},
)
@dataclass(frozen=True, kw_only=True)
class SuperpositionTask:
    """Find sparse features that outnumber the dimensions; variants ask for several sparsities or turn one dial."""

    size: int = 96
    """The most atoms a dictionary may have."""
    sparsity: int = 4
    """Active codes a row that are asked for; the plant has 4 on average."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations, and the training rows' features for the supervised ceiling."""
        subject: Superposition = saved.subject
        codes = subject.plant(saved.seed).codes["train"]
        train, validation, test = (saved.public[split].clone() for split in ("train", "validation", "test"))
        return DictionaryQuestion(
            train,
            validation,
            test,
            size=self.size,
            sparsity=self.sparsity,
            seed=saved.method_seed,
            source=saved.identity,
            labels=codes > 0,
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Directions, magnitudes, and which features are on."""
        subject: Superposition = saved.subject
        planted = subject.plant(saved.seed)
        validation, test = planted.codes["validation"], planted.codes["test"]
        return DictionaryTruth(
            validation > 0, test > 0, planted.directions, planted.bias, validation_codes=validation, test_codes=test
        )
