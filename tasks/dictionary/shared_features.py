"""Shared features: which features has one of two models alone, and which are only weaker in the other?

Two models read the same inputs (`model_pair`): 48 features are in both, 24 are weakened in one of them to `weakening`
of their strength, and 24 belong to one alone. A row is the activations of both, side by side, and every learner of
dictionaries learns on that. Its atom for a feature has a half for each model, and how long the halves are says who has
the feature. Crosscoders (Lindsey et al. 2024) are made for this: they penalise or rank codes by the sum of the two
halves' lengths, plain autoencoders by the length of the whole.

The primary metric is the F1 of the exclusive features: found, without inventing any. `false_exclusive_rate` says how
many of those declared are not: crosscoders with an L1 penalty are said to shrink the weaker half of an atom to nothing
or to split shared features in two, those of BatchTopK not (Minder et al. 2025, arXiv:2504.02922). The dial is the
weakening: `weak_100` (none), `weak_50`, `weak_30`. Under `weak_10` the true relative norm of a weakened feature, .05,
is beyond the usual cut of .1, so that even the planted truth calls it exclusive: a fault of the rule and not of a
learner. There it is also too near the noise for the certificate, and no variant of the ranking. A penalty's artefact
goes with its weight: `l0_8` asks for twice the codes that the plant has on, so that less of it is needed.

Three seeds of `weak_30` after 500 steps: `relu_l1` F1 1.00, `batch_topk_crosscoder` .93, `topk` .91, `crosscoder` .64,
of whose declared features half are weakened ones; k-means, ICA and PCA write in both models (0 to .03).

What is *used*: every feature in the models that have it (the certificate takes each out of each model). What is merely
*associated*: nothing; features fire independently. What is *blind*: random directions and training rows write in both
models and declare nothing exclusive. The cheat is to learn a dictionary of each model apart and to declare all of it
exclusive: F1 .25, for 24 of 168 such atoms are (see `exclusive_feature_f1`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch.nn.functional import normalize

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.model_pair.subject import ModelPair
from tasks.models.shared.activations import question_of


@dictionary_task(
    cites="arXiv:2504.02922",
    subject="model_pair",
    primary="exclusive_feature_f1",
    controls=("random_directions", "training_rows"),
    metrics=(
        "exclusive_feature_f1",
        "false_exclusive_rate",
        "recall_at_cosine_0.9",
        "mcc",
        "firing_f1",
        "l0",
        "explained_variance",
        "dead_fraction",
    ),
    variants={
        "weak_100": {"weakening": 1.0},
        "weak_50": {},
        "weak_30": {"weakening": 0.3},
        "weak_10": {"weakening": 0.1},
        "l0_8": {"weakening": 0.3, "sparsity": 8},
    },
    unranked=("weak_10",),
    dials={"weakening": ("weak_100", "weak_50", "weak_30")},
    provides=("parts",),
    ceilings={
        "firing_f1": "a row may have more features on than codes are asked for on average",
        "exclusive_feature_f1": "under `weak_10` the rule calls weakened features exclusive",
        "false_exclusive_rate": "under `weak_10` the rule calls weakened features exclusive",
    },
    small={"variants": ("weak_50",)},
)
@dataclass(frozen=True, kw_only=True)
class SharedFeaturesTask:
    """Find the features of two models, and say which of them one model has alone."""

    size: int = 128
    """The most atoms a dictionary may have: a third more than there are features."""
    sparsity: int = 4
    """Active codes a row that are asked for: as many features are on, on average."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations of both models, side by side."""
        subject: ModelPair = saved.subject
        return question_of(
            saved,
            size=self.size,
            sparsity=self.sparsity,
            on=subject.plant(saved.seed).codes["train"] > 0,
            parts={"first": subject.dimensions, "second": subject.dimensions},
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Directions, magnitudes, and which features are on; an exclusive feature has no direction in one half."""
        subject: ModelPair = saved.subject
        planted = subject.plant(saved.seed)
        length = planted.written.norm(dim=1)
        validation, test = planted.codes["validation"], planted.codes["test"]
        return DictionaryTruth(
            validation > 0,
            test > 0,
            normalize(planted.written, dim=1),
            planted.bias,
            validation_codes=validation * length,
            test_codes=test * length,
            names=tuple(_name(first, second) for first, second in planted.strengths.tolist()),
        )


def _name(first: float, second: float) -> str:
    if 0 in (first, second):
        return f"the {'first' if first else 'second'} model alone"
    if first == second:
        return "both models"
    return f"both models, weaker in the {'first' if first < second else 'second'}"
