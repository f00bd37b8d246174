"""Modular arithmetic: which subspaces of its hidden layer does a net that adds use?

*Used*: the key frequencies, each a circle in a plane of the hidden layer on which the sum of the two numbers is an
angle (four dimensions in the dihedral group, whose elements do not commute). With them alone the net stays right on all
pairs, without them it guesses (the certificate). *Associated*: six tenths of the layer's variance, which follow one
number alone, or both in ways that the logits ignore. *Blind*: random directions, and training rows. The Fourier basis
needs no model, but where the model writes it cannot be known without looking; nobody is shown the numbers.

A frequency is a plane and no direction in it is marked, so the primary metric asks for the plane: `subspace_recall` is
here the recall of key frequencies. `key_frequency_recall` is content with one atom in each. Activations alone do not
say which of their parts is used. What the model reads next does, and is handed over as `jacobian_gram`. In the hidden
layer it is the same in all rows, as logits are linear in it.

`summed_23` asks the same net one layer before, where each number has a plane of its own for each key frequency, and
these hold nearly all variance: all is used, and the question is what belongs together. The two planes of a frequency
have like variance there and matter alike to what follows, so that neither variance nor interaction tells them apart.

What the activations hold lies on a torus and is sparse in no basis: nothing here favours a sparse dictionary. The dial
is the modulus, with a net of the same widths. In `untrained`, random weights are asked for all frequencies, as none is
key.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmark.errors import TouchstoneError
from benchmark.families.dictionary import DictionaryQuestion, DictionaryTruth, dictionary_task
from benchmark.families.dictionary.subspaces import halves, truth_of_subspaces
from benchmark.subjects import Saved
from tasks.models.modular_addition.decomposition import Decomposition, Part
from tasks.models.modular_addition.network import Adder, Site
from tasks.models.modular_addition.subject import ModularAddition


@dictionary_task(
    cites="arXiv:2301.05217",
    subject="modular_addition",
    primary="subspace_recall",
    provides=("jacobian_gram",),
    controls=("random_directions", "training_rows"),
    metrics=("subspace_recall", "key_frequency_recall", "l0", "explained_variance"),
    variants={
        "modulus_17": {"modulus": 17},
        "modulus_23": {},
        "modulus_31": {"modulus": 31},
        "dihedral_11": {"modulus": 11, "group": "dihedral", "embedding": 12},
        "summed_23": {"site": "summed"},
        "untrained": {"training": "none"},
    },
    twins={"modulus_23": "untrained"},
    dials={"modulus": ("modulus_17", "modulus_23", "modulus_31")},
    small={"variants": ("modulus_23", "summed_23", "untrained")},
)
@dataclass(frozen=True, kw_only=True)
class ModularArithmeticTask:
    """Find the subspaces of the key frequencies in a net that adds modulo a number."""

    site: Site = "hidden"
    """The layer of squares, or what is squared."""
    size: int = 128
    """The most atoms a dictionary may have: a signed basis of all 64 dimensions fits."""
    sparsity: int = 8
    """Active codes a row that are asked for; three or four frequencies of two coordinates are on in every row."""

    def pose(self, saved: Saved) -> DictionaryQuestion:
        """A layer at three sets of pairs, and how the logits depend on it."""
        subject: ModularAddition = saved.subject
        if self.site == "summed" and subject.group != "cyclic":
            raise TouchstoneError(
                f'site: got "summed" with group={subject.group!r}, expected "cyclic", whose planes it has'
            )
        net = subject.load(saved).cpu()
        train, validation, test = (
            self._layer(net, saved.public[split].cpu()) for split in ("train", "validation", "test")
        )
        return DictionaryQuestion(
            train,
            validation,
            test,
            size=self.size,
            sparsity=self.sparsity,
            seed=saved.method_seed,
            source=f"{saved.identity}/{self.site}",
            labels=halves(coordinates(self._asked(saved), subject.rows(saved)["train"])) > 0,
            jacobian_gram=net.jacobian_gram(self.site, saved.public["train"].cpu()),
        )

    def truth(self, saved: Saved) -> DictionaryTruth:
        """The key frequencies' subspaces, and where on them each held-out pair lies."""
        subject: ModularAddition = saved.subject
        asked, rows = self._asked(saved), subject.rows(saved)
        return truth_of_subspaces(
            [part.subspace.float() for part in asked],
            coordinates(asked, rows["validation"]),
            coordinates(asked, rows["test"]),
            self._layer(subject.load(saved).cpu(), subject.made().pairs).mean(0),
            [f"{part.name}, axis {axis + 1}" for part in asked for axis in range(len(part.subspace))],
        )

    def _layer(self, net: Adder, pairs: Int[Tensor, "n 2"]) -> Float[Tensor, "n d"]:
        return net.hidden(pairs) if self.site == "hidden" else net.summed(pairs)

    def _asked(self, saved: Saved) -> list[Part]:
        """The key parts; of a net that was not trained, all."""
        subject: ModularAddition = saved.subject
        parts = Decomposition(subject.load(saved).cpu(), subject.made())
        chosen = parts.key if subject.training == "standard" else list(range(len(parts.of_product)))
        return [parts.of_product[number] for number in chosen] if self.site == "hidden" else parts.of_elements(chosen)


def coordinates(parts: list[Part], rows: Int[Tensor, " n"]) -> Float[Tensor, "n axes"]:
    """Where these pairs lie along the axes of all parts."""
    return torch.cat([part.content[rows] @ part.subspace.T for part in parts], 1).float()
