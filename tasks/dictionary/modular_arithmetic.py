"""Modular arithmetic: which subspaces of its hidden layer does a net that adds use?

*Used*: the key frequencies, each a circle in a plane of the hidden layer on which the sum of the two numbers is an
angle (four dimensions in the dihedral group, whose elements do not commute). With them alone the net stays right on all
pairs, without them it guesses (the certificate). *Associated*: nearly two thirds of the layer's variance, which follows
one number alone, or both in ways that the logits ignore. *Blind*: random directions, and training rows. The Fourier
basis needs no model, but where the model writes it in its hidden layer cannot be known without looking; controls are
not shown the numbers.

A frequency is a plane and no direction in it is marked, so the primary metric asks for the plane (`subspace_recall`;
over key frequencies it is their recall). Activations alone do not say which of their parts is used. What the model
reads next does, and is handed over as `jacobian_gram`. There it is the same in all rows: logits are linear in the layer.

What the activations hold lies on a torus, and is sparse in no basis: nothing here favours a sparse dictionary. The task
asks whether a method knows used parts from others, not whether features are sparse. The dial is the modulus, with a
net of the same widths. `dihedral_11` asks for four dimensions together. In `untrained`, random weights are asked for
all frequencies, as none is key.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.families.dictionary.subspaces import halves, truth_of_subspaces
from benchmark.subjects import Saved
from tasks.models.modular_addition.decomposition import Part, key, parts_of
from tasks.models.modular_addition.subject import ModularAddition


@dictionary_task(
    cites="arXiv:2301.05217",
    subject="modular_addition",
    primary="subspace_recall",
    provides=("jacobian_gram",),
    controls=("random_directions", "training_rows"),
    metrics=("subspace_recall", "l0", "explained_variance", "dead_fraction"),
    variants={
        "modulus_17": {"modulus": 17},
        "modulus_23": {},
        "modulus_31": {"modulus": 31},
        "dihedral_11": {"modulus": 11, "group": "dihedral", "embedding": 12},
        "untrained": {"training": "none"},
    },
    twins={"modulus_23": "untrained"},
    dials={"modulus": ("modulus_17", "modulus_23", "modulus_31")},
    small={"variants": ("modulus_23", "untrained")},
)
@dataclass(frozen=True, kw_only=True)
class ModularArithmeticTask:
    """Find the subspaces of the key frequencies in the hidden layer of a net that adds modulo a number."""

    size: int = 128
    """The most atoms a dictionary may have: a signed basis of all 64 dimensions fits."""
    sparsity: int = 8
    """Active codes a row that are asked for; three or four frequencies of two coordinates are on in every row."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """The hidden layer at three sets of pairs, and how the logits read it."""
        subject: ModularAddition = saved.subject
        train, validation, test = (saved.public[split].clone() for split in ("train", "validation", "test"))
        reads = subject.load(saved).reads().cpu()
        return DictionaryQuestion(
            train,
            validation,
            test,
            size=self.size,
            sparsity=self.sparsity,
            seed=saved.method_seed,
            source=saved.identity,
            labels=halves(coordinates(self._asked(saved), subject.rows(saved)["train"])) > 0,
            jacobian_gram=reads.T @ reads,
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """The key frequencies' subspaces, and where on them each held-out pair lies."""
        subject: ModularAddition = saved.subject
        asked, rows = self._asked(saved), subject.rows(saved)
        hidden = subject.load(saved).cpu().hidden(subject.made().pairs)
        return truth_of_subspaces(
            [part.subspace.float() for part in asked],
            coordinates(asked, rows["validation"]),
            coordinates(asked, rows["test"]),
            hidden.mean(0),
            [f"{part.name}, axis {axis + 1}" for part in asked for axis in range(len(part.subspace))],
        )

    def _asked(self, saved: Saved) -> list[Part]:
        """The key parts; of a net that was not trained, all that have a plane."""
        subject: ModularAddition = saved.subject
        parts = parts_of(subject.load(saved).cpu(), subject.made())
        return key(parts) if subject.training == "standard" else parts


def coordinates(parts: list[Part], rows: Int[Tensor, " n"]) -> Float[Tensor, "n axes"]:
    """Where these pairs lie along the axes of all parts."""
    return torch.cat([part.hidden[rows] @ part.subspace.T for part in parts], 1).float()
