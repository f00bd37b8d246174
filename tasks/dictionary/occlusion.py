"""Occlusion: of two attributes at one place, is the smaller one found as well?

    activation = u_a + v_b / r + noise          8 values each, r = 1, 2, 4, 8

Makelov, Lange and Nanda 2024 (arXiv:2405.08366) saw dictionaries with features for the slightly larger of two
attributes and few or none for the other. Whether a dictionary *has* an attribute is asked as they ask it, by an edit:
take the atoms of its value out of an activation, put those of another value in, and see whether the activation is
that of the counterfactual. It is read with the planted directions by least squares, which stand for whatever uses the
activations.

What is *used*: both attributes, to the last value; the read-out of either is exact (the certificate exchanges them).
*Associated* is nothing: values are independent. *Blind* are atoms that need no learning, random ones and training
rows. A row is one of 64 combinations, and an atom for each combination reconstructs perfectly without knowing an
attribute. Where the donor of an edit is the counterfactual itself, such atoms succeed at every edit by exchanging
everything; so donors differ in both attributes (see the metric), and exchanging everything has success 0, as no edit
has.

Measured on three seeds at 500 steps: at a ratio of 2 nobody's smaller attribute is occluded (relu_l1 .98, topk .91); at
4 it is gone from relu_l1 (.48) and topk (.35), and there in p_anneal (.93); at 8 all have the larger alone.

Half of the scale is one attribute: whoever finds the larger alone has .5, `@larger` 1 and `@smaller` 0. `wide` offers
more atoms than there are combinations; the edit's weight, beside it, shows how much of a row was exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.subjects import Saved
from tasks.models.attributes.subject import NAMES, Attributes
from tasks.models.shared.activations import question_of


@dictionary_task(
    cites="arXiv:2405.08366",
    subject="attributes",
    primary="edit_success",
    controls=("random_directions", "training_rows"),
    metrics=("edit_success", "edit_weight", "firing_f1", "mcc", "l0", "explained_variance", "dead_fraction"),
    variants={
        "ratio_1": {"ratio": 1.0},
        "ratio_2": {},
        "ratio_4": {"ratio": 4.0},
        "ratio_8": {"ratio": 8.0},
        "wide": {"size": 96},
    },
    dials={
        "norm of one attribute over the other": ("ratio_1", "ratio_2", "ratio_4", "ratio_8"),
        "atoms": ("ratio_2", "wide"),
    },
    small={"variants": ("ratio_2",)},
)
@dataclass(frozen=True, kw_only=True)
class OcclusionTask:
    """Find both of two attributes, of which one is larger, so that each can be edited alone."""

    size: int = 32
    """The most atoms a dictionary may have: twice the number of values, half that of combinations."""
    sparsity: int = 2
    """Active codes a row that are asked for: one for each attribute."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The noisy activations, and the training rows' values for the supervised ceiling."""
        subject: Attributes = saved.subject
        return question_of(
            saved,
            size=self.size,
            sparsity=self.sparsity,
            on=subject.plant(saved.seed).codes["train"] > 0,
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """Directions and magnitudes of all values, and which values belong to one attribute."""
        subject: Attributes = saved.subject
        planted = subject.plant(saved.seed)
        validation, test = planted.codes["validation"], planted.codes["test"]
        values = range(subject.values)
        return DictionaryTruth(
            validation > 0,
            test > 0,
            planted.directions,
            torch.zeros(subject.dimensions),
            validation_codes=validation,
            test_codes=test,
            names=tuple(f"{name}: value {value}" for name in NAMES for value in values),
            alternatives={
                name: tuple(number * subject.values + value for value in values) for number, name in enumerate(NAMES)
            },
        )
