"""Probing: which concepts do activations hold, where, and does the model use them?

    @probing_method(cites="...", batched=True)
    def linear_probe(questions: Sequence[ProbingQuestion], *, penalty: float = 1.0) -> list[ProbingExplanation]

A method sees the activations [n, d] of one layer on labelled train inputs and unlabelled test inputs, and may write
activations back with `run_from`. It returns a score per test input, concept and class; where it locates the concept, an
orthonormal subspace; and, where it can tell, whether the model uses it. To read a concept is not to locate it: a method
that returns scores alone is not asked where, and declines every metric that asks.

Some of the concepts are *controls*: every type of input (a word, say) got one fixed label, drawn at random, so that
only a probe that memorises types can predict them (Hewitt and Liang 2019, arXiv:1909.03368). Nothing tells a method
which they are, so one call answers both, and `selectivity` compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from benchmark.errors import InvalidExplanation, TouchstoneError, UnknownNameError
from benchmark.families.grid import Grid
from benchmark.plugins import method_decorator, task_decorator

__all__ = [
    "Interchange",
    "ProbingExplanation",
    "ProbingQuestion",
    "ProbingTruth",
    "Rival",
    "blinded",
    "check",
    "probing_method",
    "probing_task",
    "run_from_layers",
]

probing_method = method_decorator("probing")
probing_task = task_decorator("probing")

ORTHONORMAL = 1e-3
"""How far a subspace's Gram matrix may be from the identity."""


RunFrom = Callable[[str, Tensor, Tensor], Tensor]
"""`run_from(layer, activations [p, d], inputs [p]) -> outputs [p, o]`: run the model on the test inputs with these
numbers, their activations at the layer replaced by the given ones."""


def run_from_layers(layers: Mapping[str, Callable[[Tensor, Tensor], Tensor]]) -> RunFrom:
    """Build `run_from` from a function (activations, inputs) -> outputs per layer; it names those that exist."""

    def run_from(layer: str, activations: Tensor, inputs: Tensor) -> Tensor:
        if layer not in layers:
            raise UnknownNameError("layer", layer, layers)
        if activations.ndim != 2 or inputs.shape != activations.shape[:1]:
            got = f"activations {list(activations.shape)} and inputs {list(inputs.shape)}"
            raise TouchstoneError(f"run_from: got {got}, expected [p, d] and [p]")
        with torch.no_grad():
            return layers[layer](activations, inputs)

    return run_from


@dataclass(frozen=True, kw_only=True)
class ProbingQuestion:
    """What a method sees: one layer of one model."""

    layer: str
    """Name of the layer that the activations were read from."""
    train: Float[Tensor, "n d"]
    test: Float[Tensor, "m d"]
    labels: Int[Tensor, "n concepts"]
    """Class of every train input, from 0, for every concept; controls among them."""
    classes: tuple[int, ...]
    """Number of classes of each concept."""
    inputs: Mapping[str, Tensor] | None = None
    """What the model read to make each row of `train` and of `test`, where a task says what that is in `provides`. Only
    for controls, which mark what can be had without the model; `blinded` takes it from contestants."""
    run_from: RunFrom
    """`run_from(layer, activations [p, d], inputs [p]) -> outputs [p, o]`: the model on edited test activations."""
    seed: int
    ranks: tuple[int, ...] | None = None
    """The most dimensions that the subspace of each concept may have, so that methods locate at equal size; None: no
    limit."""

    def __post_init__(self) -> None:
        shapes = f"train {list(self.train.shape)}, test {list(self.test.shape)}, labels {list(self.labels.shape)}"
        if self.train.ndim != 2 or self.test.ndim != 2 or self.train.shape[1] != self.test.shape[1]:
            raise TouchstoneError(f"probing: got {shapes}, expected train [n, d] and test [m, d] of one width")
        if self.labels.shape != (len(self.train), len(self.classes)):
            raise TouchstoneError(f"probing: got {shapes}, expected labels {[len(self.train), len(self.classes)]}")
        if not (self.train.isfinite().all() and self.test.isfinite().all()):
            raise TouchstoneError(f"probing: the activations of layer {self.layer!r} hold NaN or infinity")
        for concept, count in enumerate(self.classes):
            present = torch.unique(self.labels[:, concept])
            if count < 2 or len(present) < 2:
                raise TouchstoneError(
                    f"probing: concept {concept} has one class ({present.tolist()} among {len(self.train)} train "
                    "inputs); a probe needs at least two"
                )
            if int(present[0]) < 0 or int(present[-1]) >= count:
                raise TouchstoneError(
                    f"probing: concept {concept} has labels {present.tolist()}, expected 0..{count - 1}"
                )
        if self.ranks is not None and len(self.ranks) != len(self.classes):
            raise TouchstoneError(f"probing: got {len(self.ranks)} ranks, expected one for each of {self.concepts}")

    @property
    def concepts(self) -> int:
        """Number of concepts, controls included."""
        return len(self.classes)


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Another model that has the same activations and another answer, and what it should say of the same pairs."""

    run_from: RunFrom
    follows: Callable[[Float[Tensor, "p o"]], Float[Tensor, " p"]]


@dataclass(frozen=True, kw_only=True)
class Interchange:
    """Pairs of test inputs: the base gets the source's value of one concept. What should the model then answer?"""

    concept: Int[Tensor, " p"]
    base: Int[Tensor, " p"]
    source: Int[Tensor, " p"]
    follows: Callable[[Float[Tensor, "p o"]], Float[Tensor, " p"]]
    """From the outputs of the p edited activations to a number each: 1 where they are the counterfactual's in every
    part, less where they are not. For a concept that the model does not use, nothing should have changed."""
    parts: Mapping[str, Callable[[Float[Tensor, "p o"]], Float[Tensor, " p"]]] = field(default_factory=dict)
    """Parts of that, each in [0, 1] or NaN where it does not apply: "cause", does the concept's own answer become the
    source's; "isolate", do the others stay the base's?"""
    rival: Rival | None = None
    """Whose share of pairs is taken off: what makes the answers of both models follow was found without either."""


@dataclass(frozen=True, kw_only=True)
class ProbingTruth:
    """What was planted. Concepts stand in the order of the question's `classes`."""

    names: tuple[str, ...]
    labels: Int[Tensor, "m concepts"]
    """Classes of the test inputs."""
    control_of: tuple[int, ...]
    """-1 for a real concept, else the concept whose label frequencies the control copies."""
    subspaces: Float[Tensor, "concepts k d"] | None = None
    """Orthonormal rows that span where each concept is written; rows of zeros fill up, controls have only those."""
    readers: Float[Tensor, "concepts k d"] | None = None
    """How much of each row of `subspaces` an activation holds, as read with the least error; None: the rows
    themselves."""
    uses: tuple[bool, ...] | None = None
    """Whether the model's answers depend on each concept; no control does."""
    interchange: Interchange | None = None
    erased: tuple[int, ...] = ()
    """Concepts on which `erasure_gap` trains fresh probes."""
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Named groups of real concepts that get their own sub-scores."""
    class_names: tuple[str, ...] = ()
    """What the classes mean, where they mean the same for every real concept."""
    grid: Grid | None = None
    """Where each concept lies, for pictures; None where concepts have no place."""
    known: Float[Tensor, "m concepts classes"] | None = None
    """Scores of the classes that a simple probe of the model's inputs gives: what the inputs say by themselves."""

    @property
    def real(self) -> list[int]:
        """The concepts that are no controls."""
        return [concept for concept, twin in enumerate(self.control_of) if twin < 0]

    @property
    def controls(self) -> list[int]:
        """The control concepts."""
        return [concept for concept, twin in enumerate(self.control_of) if twin >= 0]


@dataclass(frozen=True, kw_only=True)
class ProbingExplanation:
    """What a method returns."""

    scores: Float[Tensor, "m concepts classes"]
    """The higher, the likelier. The last axis has the largest number of classes; what lies beyond a concept's own is
    ignored."""
    subspace: Float[Tensor, "concepts k d"] | None = None
    """Orthonormal rows that span where each concept is written; rows of zeros fill up where concepts differ in rank,
    and zeros alone name no place."""
    reader: Float[Tensor, "concepts k d"] | None = None
    """Rows r with `r_i . s_j = [i = j]`: the component in the subspace is `subspace^T reader x`, an oblique projection.
    None: the subspace's own rows, the orthogonal one."""
    uses: Bool[Tensor, " concepts"] | None = None
    """Whether the model's answers depend on each concept: False says that nothing is to be exchanged, and True of a
    concept that the model never uses is a false claim. None: the method makes no such statement."""

    def component(self, concept: int, x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The part of `x` that lies in a concept's subspace."""
        if self.subspace is None:
            raise InvalidExplanation("got an explanation without subspace, expected one that locates the concept")
        reader = self.subspace if self.reader is None else self.reader
        return x @ reader[concept].T @ self.subspace[concept]


def blinded(question: ProbingQuestion) -> ProbingQuestion:
    """The question as contestants see it: activations without the inputs that they were made from."""
    return replace(question, inputs=None)


def check(raw: Any, question: ProbingQuestion) -> ProbingExplanation:
    """Validate what a method returned: a `ProbingExplanation`, or a plain tensor of scores [m, concepts, classes].

    Raises:
        InvalidExplanation: a wrong type or shape, NaN, or a subspace that is not orthonormal.

    """
    if isinstance(raw, Tensor):
        raw = ProbingExplanation(scores=raw)
    if not isinstance(raw, ProbingExplanation):
        raise InvalidExplanation(f"got {type(raw).__name__}, expected a ProbingExplanation or a tensor of scores")
    device = question.train.device
    most = max(question.classes)
    scores = raw.scores.detach().to(device, torch.float32)
    expected = (len(question.test), question.concepts, most)
    if scores.shape != expected:
        raise InvalidExplanation(f"got scores {list(scores.shape)}, expected [m, concepts, classes] = {list(expected)}")
    absent = torch.arange(most, device=device) >= torch.tensor(question.classes, device=device)[:, None]
    if not scores.masked_fill(absent, 0.0).isfinite().all():
        raise InvalidExplanation("got scores with NaN or infinity, expected finite numbers")
    scores = scores.masked_fill(absent, -torch.inf)
    subspace, reader = _located(raw, question)
    return ProbingExplanation(scores=scores, subspace=subspace, reader=reader, uses=_stated(raw.uses, question))


def _stated(uses: Any, question: ProbingQuestion) -> Bool[Tensor, " concepts"] | None:
    """Whether each concept is used, as stated."""
    if uses is None:
        return None
    if not isinstance(uses, Tensor) or uses.shape != (question.concepts,) or uses.dtype != torch.bool:
        got = f"{uses.dtype} {list(uses.shape)}" if isinstance(uses, Tensor) else type(uses).__name__
        raise InvalidExplanation(f"got uses {got}, expected a tensor of bool [{question.concepts}]")
    return uses.detach().to(question.train.device)


def _located(raw: ProbingExplanation, question: ProbingQuestion) -> tuple[Tensor | None, Tensor | None]:
    """Subspace and reader, of the right shape and size, orthonormal and dual to each other."""
    if raw.subspace is None:
        return None, None
    device, width = question.train.device, question.train.shape[1]
    subspace = raw.subspace.detach().to(device, torch.float32)
    if subspace.ndim != 3 or (len(subspace), subspace.shape[2]) != (question.concepts, width):
        raise InvalidExplanation(f"got subspace {list(subspace.shape)}, expected [{question.concepts}, k, {width}]")
    reader = subspace if raw.reader is None else raw.reader.detach().to(device, torch.float32)
    if reader.shape != subspace.shape or not (subspace.isfinite().all() and reader.isfinite().all()):
        raise InvalidExplanation(
            f"got reader {list(reader.shape)}, expected finite numbers of shape {list(subspace.shape)}"
        )
    there = subspace.norm(dim=2) > 0
    for what, gram in (("subspace", subspace @ subspace.mT), ("reader and subspace", reader @ subspace.mT)):
        error = float((gram - torch.diag_embed(there.float())).abs().max())
        if error > ORTHONORMAL:
            raise InvalidExplanation(
                f"got {what} whose inner products are off by {error:.2g}, expected orthonormal rows"
            )
    for concept, (found, most) in enumerate(zip(there.sum(1).tolist(), question.ranks or (), strict=False)):
        if found > most:
            raise InvalidExplanation(
                f"got a subspace of {found} dimensions for concept {concept}, expected at most {most}: see `ranks`"
            )
    return subspace, None if raw.reader is None else reader
