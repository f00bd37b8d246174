"""The dictionary family: which sparse directions are activations made of?

    method(question: DictionaryQuestion) -> Dictionary(atoms [m, d], bias [d], codes of the validation rows, of the test
    rows)

A reconstruction is `codes @ atoms + bias`. Codes are not negative, and an atom "fires" where its code exceeds a
threshold; a signed basis (PCA, ICA, neurons) is therefore returned as two atoms a direction, one of each sign. Codes
are stored as the indices and values of the positive ones, so their size follows the sparsity and not the number of
atoms.

Codes may have to reconstruct more than the activations that they are read from: a transcoder's write what an MLP gives
out, a crosscoder's several layers at once. Such a question has `layers`, activations of the same rows by name, and the
dictionary has a `Decoder` for each: `codes @ decoder.atoms + decoder.bias`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.errors import InvalidExplanation
from benchmark.families.dictionary.firing import Firings, best_detectors, firings, test_f1
from benchmark.families.dictionary.pursued import Pursued
from benchmark.families.grid import Grid
from benchmark.plugins import method_decorator, task_decorator

__all__ = [
    "Decoder",
    "Dictionary",
    "DictionaryExplanation",
    "DictionaryQuestion",
    "DictionaryTruth",
    "Edits",
    "Layer",
    "Loss",
    "blinded",
    "check",
    "dictionary_method",
    "dictionary_task",
]

dictionary_method = method_decorator("dictionary")
dictionary_task = task_decorator("dictionary")


@dataclass(frozen=True)
class Layer:
    """Activations elsewhere in the model, in the rows of the question's three sets."""

    train: Float[Tensor, "n e"]
    validation: Float[Tensor, "v e"]
    test: Float[Tensor, "t e"]


@dataclass(frozen=True)
class DictionaryQuestion:
    """What a method sees: activations of three disjoint sets of rows, and what kind of dictionary is asked for."""

    train: Float[Tensor, "n d"]
    validation: Float[Tensor, "v d"]
    test: Float[Tensor, "t d"]
    size: int
    """The most atoms a dictionary may have."""
    sparsity: int
    """The mean number of active codes a row that is asked for (L0)."""
    seed: int
    source: str = ""
    """Which activations these are: questions of one seed and one source hand over the same. Empty: nobody else's."""
    labels: Bool[Tensor, "n g"] | None = None
    """Which true features are on in each training row: for methods declared as `supervised` alone, None for others."""
    layers: Mapping[str, Layer] | None = None
    """What the codes are to reconstruct besides, by name (`{"mlp_out": Layer(...)}`); None where there is nothing."""
    parts: Mapping[str, int] | None = None
    """Where a row is the activations of several models on one input, side by side: their widths, in that order; None
    where there is one model. Learners that do not look at it learn on the whole row."""
    start_seed: int | None = None
    """What learners draw their first atoms from where a task says it, apart from batches, which stay with `seed`: so
    that seeds start together or apart, whatever a method would do by itself. None: the method's own choice."""
    inputs: Mapping[str, Tensor] | None = None
    """What the model read to make each row of `train`, `validation` and `test`, where a task says what that is in
    `provides`. Only for controls, which mark what can be had without the model; `blinded` takes it from contestants."""
    jacobian_gram: Float[Tensor, "d d"] | None = None
    """The mean over training rows of J^T J, where J [outputs, d] is the derivative of what the model reads next with
    respect to the activations. Given where a task provides "jacobian_gram", None elsewhere."""
    outputs: Float[Tensor, "n e"] | None = None
    """What the part of the model that comes next, such as an MLP, makes of each training row. Given where a task
    provides "outputs", None elsewhere."""

    @property
    def widths(self) -> tuple[int, ...]:
        """The widths of the models whose activations make a row."""
        return tuple(self.parts.values()) if self.parts else (self.train.shape[1],)

    @property
    def start(self) -> int:
        """What the first atoms are drawn from: the method's seed where no task says otherwise."""
        return self.seed if self.start_seed is None else self.start_seed


@dataclass(frozen=True, eq=False)
class Loss:
    """What a model answers where its activations are replaced by others."""

    rows: Int[Tensor, " r"]
    """Of the test rows, those that are run."""
    of: Callable[[Float[Tensor, "r d"]], Float[Tensor, " r"]]
    """The cross-entropy of each of these rows, given its activations; lower is better."""


@dataclass(frozen=True, eq=False)
class Edits:
    """Rows in which one feature is to go and another is to come, and a model that should follow."""

    rows: Int[Tensor, " p"]
    """Of the rows of a split."""
    off: Int[Tensor, " p"]
    """The feature that is on in the row, and should go."""
    on: Int[Tensor, " p"]
    """The feature that should come."""
    follows: Callable[[Float[Tensor, "p d"]], Float[Tensor, " p"]]
    """How far the model's answer from these activations is that of the edited row: on average 0 without an edit, at
    most 1."""


@dataclass(frozen=True, eq=False)
class DictionaryTruth:
    """Which true features are on in the held-out rows, and their directions where they are known."""

    validation: Bool[Tensor, "v g"]
    test: Bool[Tensor, "t g"]
    directions: Float[Tensor, "g d"] | None = None
    """Unit directions of the features; None where only their meaning is known."""
    bias: Float[Tensor, d] | None = None
    validation_codes: Float[Tensor, "v g"] | None = None
    """Magnitudes with which the features were added; None where only on and off are known."""
    test_codes: Float[Tensor, "t g"] | None = None
    names: tuple[str, ...] = ()
    """What each feature means, in a few words; empty where they mean nothing in particular."""
    groups: tuple[str, ...] = ()
    """Which property each feature belongs to, where properties count alike that have several; empty: each its own."""
    grid: Grid | None = None
    """Where each feature lies, for pictures; None where features have no place."""
    parents: Int[Tensor, g] | None = None
    """The feature that each was planted under, its parent, or -1; None where none was planted under another."""
    subspaces: tuple[Float[Tensor, "k d"], ...] | None = None
    """Orthonormal axes of each true feature of several dimensions; None where features are directions. `directions`
    are then those axes and their opposites (see `subspaces.py`)."""
    twin_validation: Float[Tensor, "v d"] | None = None
    """Activations of the same rows in a twin of the model with random weights: what needs no training."""
    twin_test: Float[Tensor, "t d"] | None = None
    loss: Loss | None = None
    """What the model loses where a reconstruction takes the place of its activations; None where there is no model."""
    edits: Mapping[str, Edits] | None = None
    """By split, `validation` and `test`: edits of features that a model must follow."""
    edited_atoms: int = 1
    """How many atoms an edit may use for a feature."""
    class_directions: Float[Tensor, "k d"] | None = None
    """Along which a classifier reads its classes from the activations: rows of its read-out less their mean."""
    alternatives: Mapping[str, tuple[int, ...]] | None = None
    """Features of which at most one is on in a row, by what they are alternatives of: the values of an attribute, the
    senses of a word. None where features are on independently."""

    @cached_property
    def occurring(self) -> Bool[Tensor, g]:
        """Features that are on in some validation row and in some test row: no other can be chosen for and scored."""
        return self.validation.any(0) & self.test.any(0)

    @cached_property
    def twin_f1(self) -> Float[Tensor, g]:
        """F1 of the best detector among both signs of the twin's principal axes and neurons, for each feature."""
        assert self.twin_validation is not None
        assert self.twin_test is not None
        mean = self.twin_validation.mean(0)
        axes = torch.linalg.svd(self.twin_validation - mean, full_matrices=False).Vh
        basis = torch.cat([axes, torch.eye(len(mean))])
        signed = torch.cat([basis, -basis]).T
        validation, test = (((rows - mean) @ signed).clamp(min=0) for rows in (self.twin_validation, self.twin_test))
        found = best_detectors(firings(validation).against(self.validation).f1)
        return test_f1(validation, test, self.test, *found)


def blinded(question: DictionaryQuestion) -> DictionaryQuestion:
    """The question as dictionary learners see it: without labels, and without the inputs of the model."""
    return replace(question, labels=None, inputs=None)


Codes = Float[Tensor, "n m"] | tuple[Int[Tensor, "n w"], Float[Tensor, "n w"]]


@dataclass(frozen=True)
class Decoder:
    """How codes write one layer."""

    atoms: Float[Tensor, "m e"]
    bias: Float[Tensor, " e"]


@dataclass(frozen=True)
class Dictionary:
    """What a method returns. Codes are dense [n, m], or indices and values [n, w], 0-valued places being unused."""

    atoms: Float[Tensor, "m d"]
    bias: Float[Tensor, d]
    validation: Codes
    test: Codes
    decoders: Mapping[str, Decoder] | None = None
    """One for each of the question's `layers`; None where it has none."""
    start: Float[Tensor, "s d"] | None = None
    """The atoms before the first step of learning, their lengths being of no account; None where nobody asks for them
    (`start_seed`) or there are none."""


@dataclass(frozen=True, eq=False)
class DictionaryExplanation:
    """A validated dictionary as it is stored: `*_indices` name the atoms of each row, 0-valued places being unused."""

    atoms: Float[Tensor, "m d"]
    bias: Float[Tensor, d]
    validation_indices: Int[Tensor, "v w"]
    validation_values: Float[Tensor, "v w"]
    test_indices: Int[Tensor, "t w"]
    test_values: Float[Tensor, "t w"]
    layer_atoms: Mapping[str, Float[Tensor, "m e"]] | None = None
    """By layer, where the question names any."""
    layer_biases: Mapping[str, Float[Tensor, " e"]] | None = None
    start: Float[Tensor, "s d"] | None = None
    """The atoms before the first step of learning, where they are known."""

    @cached_property
    def firings(self) -> Firings:
        """Where each atom fires in the validation rows."""
        return firings(self.validation_codes)

    @cached_property
    def pursued(self) -> Pursued:
        """The same atoms with the codes that pursuit finds."""
        return Pursued(self)

    @cached_property
    def validation_codes(self) -> Float[Tensor, "v m"]:
        """Dense codes of the validation rows."""
        return dense(self.validation_indices, self.validation_values, len(self.atoms))

    @cached_property
    def test_codes(self) -> Float[Tensor, "t m"]:
        """Dense codes of the test rows."""
        return dense(self.test_indices, self.test_values, len(self.atoms))


def decoders(explanation: DictionaryExplanation) -> dict[str, Decoder] | None:
    """The decoders of an explanation by layer; None where it has none."""
    if explanation.layer_atoms is None or explanation.layer_biases is None:
        return None
    return {name: Decoder(atoms, explanation.layer_biases[name]) for name, atoms in explanation.layer_atoms.items()}


def dense(indices: Int[Tensor, "n w"], values: Float[Tensor, "n w"], size: int) -> Float[Tensor, "n m"]:
    """Indices and values as a dense matrix with `size` columns."""
    return torch.zeros(len(indices), size).scatter_add_(1, indices.long(), values)


def sparse(codes: Float[Tensor, "n m"]) -> tuple[Int[Tensor, "n w"], Float[Tensor, "n w"]]:
    """The positive codes as indices (int32) and values (float32); w is their largest number in a row, at least 1."""
    width = max(1, int((codes > 0).sum(1).max())) if codes.numel() else 1
    kept = codes.topk(min(width, codes.shape[1]), dim=1)
    return kept.indices.to(torch.int32), kept.values.float().clamp_(min=0)


def keep_largest(codes: Float[Tensor, "n m"], sparsity: int) -> Float[Tensor, "n m"]:
    """Only the `sparsity` largest positive codes of every row, the others being 0."""
    kept = codes.topk(min(sparsity, codes.shape[1]), dim=1)
    return torch.zeros_like(codes).scatter_(1, kept.indices, kept.values.clamp(min=0))


def keep_largest_on_average(codes: Float[Tensor, "n m"], sparsity: float) -> Float[Tensor, "n m"]:
    """The `sparsity * n` largest positive codes of all rows, the others being 0; equal ones are kept by lot."""
    count = round(sparsity * len(codes))
    row, atom = (codes > 0).nonzero(as_tuple=True)
    if len(row) <= count:
        return codes.clamp(min=0)
    lot = torch.randperm(len(row), generator=torch.Generator().manual_seed(0))
    row, atom = row[lot], atom[lot]
    kept = codes[row, atom].argsort(descending=True, stable=True)[:count]
    found = torch.zeros_like(codes)
    found[row[kept], atom[kept]] = codes[row[kept], atom[kept]]
    return found


def both_signs(
    axes: Float[Tensor, "a d"],
    bias: Float[Tensor, d],
    question: DictionaryQuestion,
    inverse: Float[Tensor, "a d"] | None = None,
) -> Dictionary:
    """A signed basis as a dictionary: an atom of each sign for each axis; a row keeps its `sparsity` largest codes.

    The code of axis i is `inverse[i] @ (x - bias)`; without `inverse` the axes are orthonormal and are their own.
    """
    analysis = axes if inverse is None else inverse

    def codes(activations: Tensor) -> Tensor:
        signed = (activations - bias) @ analysis.T
        return keep_largest(torch.cat([signed.clamp(min=0), (-signed).clamp(min=0)], 1), question.sparsity)

    return Dictionary(torch.cat([axes, -axes]), bias, codes(question.validation), codes(question.test))


def check(raw: object, question: DictionaryQuestion) -> DictionaryExplanation:
    """Validate what a method returned and bring it into the stored form. Raises `InvalidExplanation`."""
    if isinstance(raw, DictionaryExplanation):
        validation, test = (raw.validation_indices, raw.validation_values), (raw.test_indices, raw.test_values)
        raw = Dictionary(raw.atoms, raw.bias, validation, test, decoders(raw), raw.start)
    if not isinstance(raw, Dictionary):
        raise InvalidExplanation(f"got {type(raw).__name__}, expected a Dictionary(atoms, bias, validation, test)")
    d = question.train.shape[1]
    atoms, bias = raw.atoms.detach().cpu().float(), raw.bias.detach().cpu().float()
    if atoms.ndim != 2 or atoms.shape[1] != d or not 1 <= len(atoms) <= question.size:
        raise InvalidExplanation(
            f"got atoms of shape {tuple(atoms.shape)}, expected between 1 and {question.size} rows of length {d}"
        )
    if bias.shape != (d,):
        raise InvalidExplanation(f"got a bias of shape {tuple(bias.shape)}, expected ({d},)")
    parts = [*_codes(raw.validation, "validation", len(question.validation), len(atoms))]
    parts += _codes(raw.test, "test", len(question.test), len(atoms))
    for name, tensor in (("atoms", atoms), ("bias", bias), ("validation codes", parts[1]), ("test codes", parts[3])):
        if not torch.isfinite(tensor).all():
            raise InvalidExplanation(f"got NaN or infinity in {name}, expected finite numbers")
    start = None if raw.start is None else _start(raw.start, d)
    written = _decoders(raw.decoders, question, len(atoms))
    if not written:
        return DictionaryExplanation(atoms, bias, parts[0], parts[1], parts[2], parts[3], start=start)
    layer_atoms = {name: one.atoms for name, one in written.items()}
    layer_biases = {name: one.bias for name, one in written.items()}
    return DictionaryExplanation(atoms, bias, parts[0], parts[1], parts[2], parts[3], layer_atoms, layer_biases, start)


def _start(given: Tensor, d: int) -> Tensor:
    """The first atoms, after checks of shape and values."""
    start = given.detach().cpu().float()
    if start.ndim != 2 or start.shape[1] != d or not len(start):
        raise InvalidExplanation(f"got first atoms of shape {tuple(start.shape)}, expected rows of length {d}")
    if not torch.isfinite(start).all():
        raise InvalidExplanation("got NaN or infinity in the first atoms, expected finite numbers")
    return start


def _decoders(given: Mapping[str, Decoder] | None, question: DictionaryQuestion, size: int) -> dict[str, Decoder]:
    """A decoder for each layer of the question, after checks of names, shape and values."""
    layers, found = question.layers or {}, given or {}
    if sorted(found) != sorted(layers):
        raise InvalidExplanation(f"got decoders for layers {sorted(found)}, expected one for each of {sorted(layers)}")
    checked = {}
    for name, layer in layers.items():
        if not isinstance(found[name], Decoder):
            raise InvalidExplanation(f"layer {name}: got {type(found[name]).__name__}, expected a Decoder(atoms, bias)")
        e = layer.train.shape[1]
        atoms, bias = (part.detach().cpu().float() for part in (found[name].atoms, found[name].bias))
        if atoms.shape != (size, e) or bias.shape != (e,):
            raise InvalidExplanation(
                f"layer {name}: got atoms of shape {tuple(atoms.shape)} and a bias of shape {tuple(bias.shape)}, "
                f"expected ({size}, {e}), one row for each atom, and ({e},)"
            )
        if not (torch.isfinite(atoms).all() and torch.isfinite(bias).all()):
            raise InvalidExplanation(f"layer {name}: got NaN or infinity, expected finite numbers")
        checked[name] = Decoder(atoms, bias)
    return checked


def _codes(codes: Codes, name: str, rows: int, size: int) -> tuple[Tensor, Tensor]:
    """Codes as indices and values, after checks of shape, range and sign."""
    if isinstance(codes, Tensor):
        if codes.shape != (rows, size):
            raise InvalidExplanation(f"got {name} codes of shape {tuple(codes.shape)}, expected ({rows}, {size})")
        codes = codes.detach().cpu()
        if (codes < 0).any():
            raise InvalidExplanation(
                f"got negative {name} codes, expected codes >= 0: return an atom of each sign instead"
            )
        return sparse(torch.nan_to_num(codes, nan=torch.inf))
    indices, values = (part.detach().cpu() for part in codes)
    if indices.shape != values.shape or indices.ndim != 2 or len(indices) != rows:
        raise InvalidExplanation(
            f"got {name} codes with indices {tuple(indices.shape)} and values {tuple(values.shape)}, "
            f"expected two of ({rows}, w)"
        )
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < size:
        raise InvalidExplanation(
            f"got {name} indices from {int(indices.min())} to {int(indices.max())}, expected 0 to {size - 1}"
        )
    if (values < 0).any():
        raise InvalidExplanation(f"got negative {name} codes, expected codes >= 0: return an atom of each sign instead")
    return indices.to(torch.int32), values.float()
