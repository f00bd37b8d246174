"""Superposition: which of the planted features has a dictionary found?

Atoms and encoder are scored apart. Given its directions, which features are on in a row is a matter of inference, and
pursuit does that for any dictionary; an encoder held to an L0 loses to that constraint what its atoms have found. So
the primary metric asks for directions alone: the share of planted features that have an atom of cosine above 0.9. It
was chosen over the mean matched cosine (`mcc`) because that pays for mixtures: in `l0_4` training rows have .62 by it
and .03 of the features. `pursuit_f1` says what the atoms would tell of a row, `firing_f1` what the encoder tells,
`amortisation_gap` the difference between them.

What is *used*: every planted feature, as activations are their sum. What is merely *associated*: the features that fire
together (`correlation_*`), and parents of features that never fire without them (`hierarchy_*`). What is *blind*: atoms
that need no learning, drawn at random (`random_directions`) or from the training rows (`training_rows`). No control
can name a direction that it was not shown. `kmeans` looks at the activations and is a contestant: where many rows have
one or two features, clusters are features.

The dials start at `l0_4` (64 features in 32 dimensions, 4 on, noise 0.05) and turn one thing at a time:

    features for each dimension    l0_4, ratio_4, ratio_8, ratio_16
    features on in a row           l0_4, active_8, active_12
    children under parents         l0_4, hierarchy_50, hierarchy_100      (per cent of a child's firing)
    firing together                l0_4, correlation_80, correlation_95   (per cent of the latent variance)
    noise                          l0_4, noise_20, noise_35               (hundredths)

At all of them learning that starts beside the truth comes back to it (the certificate), so that what falls short is a
learner's doing. `noise_35` fails the older part of the certificate, one feature against the noise of one row, and is
shown without rank. Firing is another matter: pursuit is greedy, and with the *true* directions it reaches F1 .77 at
`ratio_16` and .82 at `active_12` (seed 0), which is the ceiling of `pursuit_f1` there. With `narrow` not all features
fit, and the ceilings are those of the 48 that fire most. Under `hierarchy_100` learnt children point at their parents
too (mean cosine .5 after 2000 steps of `topk`): feature absorption, as the plant means it.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.shared.activations import question_of
from tasks.models.superposition.subject import Superposition


@dictionary_task(
    cites="arXiv:2602.14687",
    subject="superposition",
    primary="recall_at_cosine_0.9",
    controls=("random_directions", "training_rows"),
    metrics=(
        "recall_at_cosine_0.9",
        "mcc",
        "pursuit_f1",
        "firing_f1",
        "amortisation_gap",
        "mmcs_truth_to_atoms",
        "mmcs_atoms_to_truth",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "l0_2": {"sparsity": 2},
        "l0_4": {},
        "l0_8": {"sparsity": 8},
        "narrow": {"size": 48},
        "zipf": {"law": "zipf"},
        "exponential": {"magnitude": "exponential"},
        "ratio_4": {"features": 128, "size": 192},
        "ratio_8": {"features": 256, "size": 384, "held_out": 4000},
        "ratio_16": {"features": 512, "size": 768, "held_out": 8000},
        "active_8": {"active": 8.0, "sparsity": 8},
        "active_12": {"active": 12.0, "sparsity": 12},
        "hierarchy_50": {"hierarchy": 0.5},
        "hierarchy_100": {"hierarchy": 1.0},
        "correlation_80": {"correlation": 0.8},
        "correlation_95": {"correlation": 0.95},
        "noise_20": {"noise": 0.2},
        "noise_35": {"noise": 0.35},
    },
    ceilings={"firing_f1": "a row may have more features on than codes are asked for on average"},
    dials={
        "features a dimension": ("l0_4", "ratio_4", "ratio_8", "ratio_16"),
        "features on": ("l0_4", "active_8", "active_12"),
        "hierarchy": ("l0_4", "hierarchy_50", "hierarchy_100"),
        "correlation": ("l0_4", "correlation_80", "correlation_95"),
        "noise": ("l0_4", "noise_20", "noise_35"),
    },
    small={"variants": ("l0_4",)},
)
@dataclass(frozen=True, kw_only=True)
class SuperpositionTask:
    """Find sparse features that outnumber the dimensions; variants ask for several sparsities or turn one dial."""

    size: int = 96
    """The most atoms a dictionary may have: half as many again as there are features, but for `narrow`."""
    sparsity: int = 4
    """Active codes a row that are asked for; the plant has 4 on average, where no dial says otherwise."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations, and the training rows' features for the supervised ceiling."""
        subject: Superposition = saved.subject
        return question_of(
            saved,
            size=self.size,
            sparsity=self.sparsity,
            on=subject.plant(saved.seed).codes["train"] > 0,
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Directions, magnitudes, and which features are on."""
        subject: Superposition = saved.subject
        planted = subject.plant(saved.seed)
        validation, test = planted.codes["validation"], planted.codes["test"]
        return DictionaryTruth(
            validation > 0, test > 0, planted.directions, planted.bias, validation_codes=validation, test_codes=test
        )
