"""Stability: which of the planted features does a learner find again when it is run again?

The plant is that of `superposition` with 64 features in 32 dimensions, 8 on in a row: with 4 nearly every learner
finds nearly everything, so that its seeds agree because they are right; with 12 none finds anything. Every method runs
on the same activations with two seeds.

Song et al. 2025 (arXiv:2505.20254) ask that features be consistent over seeds; Paulo and Belrose 2025
(arXiv:2501.16615) show that a sparse autoencoder's often are not. But what comes back need not be there: PCA, or
training rows drawn by a fixed seed, are the same in every run and are no features. So the primary metric counts what is
right: `reproduced_recall`, the share of planted features that both seeds find. Beside it stand `stability`, the
agreement of the two dictionaries whatever they say, `stabilisation`, how much of it learning has brought about, and how
right each seed is by itself (`recall_at_cosine_0.9`, `mcc`). Where truth is unknown, `stability` is all that one has:
how far it follows `mcc` is what that is worth.

What seeds start from is said by the task, and is the same for all learners, whatever they would do by themselves:

    independent     each seed draws its own first atoms or centres
    shared          all seeds have the same ones; only the order of the batches differs

The archetypal learners share their start by themselves (arXiv:2502.12892), which is said to be all there is to their
stability (arXiv:2606.02061): compare the two. Learners that do not go through `benchmark.learning.dictionaries`, and
neither k-means nor ICA, know of no start and draw it from their seed in both.

What is *used*: every planted feature, as activations are their sum. Nothing is merely *associated*. What is *blind*:
atoms drawn at random (`random_directions`) and from the training rows (`training_rows`), which under `shared` are the
same for both seeds, so that their stability is 1. The dial is the width of the dictionary, from as many atoms as there
are features (`width_64`) to three times as many; `independent` has 96. Under `hierarchy` children fire only under their
parents, and what learners make of a child, parent and child together, is as stable as it is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved, generator_for
from tasks.models.shared.activations import question_of
from tasks.models.superposition.subject import Superposition


@dictionary_task(
    cites="arXiv:2505.20254",
    subject="superposition",
    primary="reproduced_recall",
    controls=("random_directions", "training_rows"),
    metrics=(
        "reproduced_recall",
        "stability",
        "stabilisation",
        "recall_at_cosine_0.9",
        "mcc",
        "mmcs_atoms_to_truth",
        "l0",
        "explained_variance",
    ),
    variants={
        "independent": {"active": 8.0},
        "shared": {"active": 8.0, "starts": "shared"},
        "width_64": {"active": 8.0, "size": 64},
        "width_192": {"active": 8.0, "size": 192},
        "hierarchy": {"hierarchy": 1.0, "sparsity": 4},
    },
    dials={"width": ("width_64", "independent", "width_192")},
    method_seeds=2,
    small={"variants": ("independent", "shared")},
)
@dataclass(frozen=True, kw_only=True)
class StabilityTask:
    """Find sparse features that outnumber the dimensions, twice; variants share a start or turn the width."""

    size: int = 96
    """The most atoms a dictionary may have."""
    sparsity: int = 8
    """Active codes a row that are asked for: as many features are on, on average."""
    starts: Literal["independent", "shared"] = "independent"
    """Whether each seed of a method draws its own first atoms."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations, the same for all seeds of a method, and where each is to start."""
        subject: Superposition = saved.subject
        own = generator_for(saved.method_seed, "start").initial_seed() % 2**31
        return question_of(
            saved,
            size=self.size,
            sparsity=self.sparsity,
            on=subject.plant(saved.seed).codes["train"] > 0,
            start_seed=0 if self.starts == "shared" else own,
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Directions, magnitudes, and which features are on."""
        subject: Superposition = saved.subject
        planted = subject.plant(saved.seed)
        validation, test = planted.codes["validation"], planted.codes["test"]
        return DictionaryTruth(
            validation > 0, test > 0, planted.directions, planted.bias, validation_codes=validation, test_codes=test
        )
