"""Circuits: which edges of a model carry the computation that its answer rests on?

    @circuit_method(cites="...")
    def edge_attribution_patching(question: CircuitQuestion) -> Tensor          edge scores [e]

A method sees the model as a graph (`benchmark.families.circuit.graph`), pairs of inputs, *clean* and *corrupted*, that
differ in what the answer should be, and a *contrast* that makes one number of the outputs (a logit difference, say). It
may cut edges, wholly or in part: a cut edge of a clean run carries the message of the corrupted one. It returns a score
for each edge: the greater the magnitude, the more the answer rests on it; a positive one speaks for the clean answer.

The truth is a role for each edge, known because the weights were written by hand. It holds for the ablation that is
asked (another input's message): an edge that carries the same message in both runs is dead here, whatever it is worth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.errors import InvalidExplanation, TouchstoneError
from benchmark.families.circuit.graph import Edge, Graph
from benchmark.plugins import method_decorator, task_decorator

__all__ = [
    "OUTSIDE",
    "ROLES",
    "CircuitExplanation",
    "CircuitQuestion",
    "CircuitTruth",
    "Edge",
    "Graph",
    "check",
    "circuit_method",
    "circuit_task",
    "count_calls",
]

circuit_method = method_decorator("circuit")
circuit_task = task_decorator("circuit")

ROLES = ("essential", "and", "or_redundant", "suppressor", "dead", "noise_reader")
"""What an edge may be: `essential` (cut it and the answer loses its part), `and` (likewise, together with others:
without one, the others do nothing), `or_redundant` (each of several is enough), `suppressor` (speaks against the clean
answer), `dead` (cutting it changes nothing, exactly), `noise_reader` (moves single answers at random and no mean)."""
OUTSIDE = ("dead", "noise_reader")
"""The roles of edges that are no part of the circuit."""
RESOLUTION = 1e-5
"""Scores that differ by less than this share of the greatest are equal: rounding errors must not rank edges."""


@dataclass(frozen=True, kw_only=True)
class CircuitQuestion:
    """What a method sees: a model as a graph, pairs of inputs, and what of the output is asked about."""

    graph: Graph
    """The model in eval mode, without gradients of its weights."""
    clean: Float[Tensor, "n ..."]
    corrupted: Float[Tensor, "n ..."]
    contrast: Float[Tensor, "n o"]
    """The value of a run on pair i is `contrast[i] . output[i]`: 1 for the right token and -1 for the wrong one."""
    seed: int

    def __post_init__(self) -> None:
        if self.clean.shape != self.corrupted.shape or len(self.contrast) != len(self.clean):
            raise TouchstoneError(
                f"circuit: got clean {list(self.clean.shape)}, corrupted {list(self.corrupted.shape)} and contrast "
                f"{list(self.contrast.shape)}, expected pairs of one shape and a contrast for each"
            )

    @property
    def size(self) -> int:
        """Number of edges."""
        return len(self.graph.edges)

    @cached_property
    def clean_messages(self) -> Float[Tensor, "e n ..."]:
        """What every edge carries on the clean inputs."""
        with torch.no_grad():
            return self.graph.messages(self.clean)

    @cached_property
    def corrupted_messages(self) -> Float[Tensor, "e n ..."]:
        """What every edge carries on the corrupted inputs."""
        with torch.no_grad():
            return self.graph.messages(self.corrupted)

    def values(self, keep: Float[Tensor, "*batch e"]) -> Float[Tensor, "*batch n"]:
        """The value of each pair in the clean run whose edges carry 1 - `keep` of their corrupted message.

        `keep` of ones is the clean run, of zeros the corrupted one; it may have any leading dimensions, and a gradient.
        """
        outputs: Tensor = self.graph(self.clean, keep, self.corrupted_messages)
        return (outputs * self.contrast).sum(-1)

    def restored(self, keep: Float[Tensor, "*batch e"]) -> Float[Tensor, "*batch n"]:
        """The other way round: the corrupted run whose edges carry 1 - `keep` of their clean message."""
        outputs: Tensor = self.graph(self.corrupted, keep, self.clean_messages)
        return (outputs * self.contrast).sum(-1)


@dataclass(frozen=True, kw_only=True)
class CircuitTruth:
    """What was planted."""

    roles: tuple[str, ...]
    """The role of each edge, of `ROLES`, in the order of the graph's edges."""

    def __post_init__(self) -> None:
        if strange := sorted(set(self.roles) - set(ROLES)):
            raise TouchstoneError(f"circuit: got roles {', '.join(strange)}, expected some of {', '.join(ROLES)}")
        if not 0 < int(self.circuit.sum()) < len(self.roles):
            raise TouchstoneError("circuit: got a truth without edges inside or outside the circuit, expected both")

    @property
    def circuit(self) -> Bool[Tensor, " e"]:
        """The edges that the answer rests on, whatever their part in it."""
        return torch.tensor([role not in OUTSIDE for role in self.roles])

    def having(self, role: str) -> Bool[Tensor, " e"]:
        """The edges of one role."""
        return torch.tensor([own == role for own in self.roles])


@dataclass(frozen=True, kw_only=True)
class CircuitExplanation:
    """What a method returns."""

    scores: Float[Tensor, " e"]
    """Signed; the magnitude ranks."""

    @cached_property
    def strengths(self) -> Float[Tensor, " e"]:
        """The magnitudes as shares of the greatest, in steps of `RESOLUTION`: what the metrics rank."""
        magnitudes = self.scores.detach().cpu().double().abs()
        return (magnitudes / magnitudes.max().clamp(min=1e-300) / RESOLUTION).round() * RESOLUTION


def check(raw: Any, question: CircuitQuestion) -> CircuitExplanation:
    """Validate what a method returned: edge scores [e], plain or as a `CircuitExplanation`.

    Raises:
        InvalidExplanation: a wrong type or shape, NaN or infinity.

    """
    scores = raw.scores if isinstance(raw, CircuitExplanation) else raw
    if not isinstance(scores, Tensor):
        raise InvalidExplanation(f"got {type(raw).__name__}, expected a tensor of edge scores or a CircuitExplanation")
    if scores.shape != (question.size,):
        raise InvalidExplanation(f"got scores {list(scores.shape)}, expected one for each edge, [{question.size}]")
    scores = scores.detach().to("cpu", torch.float32)
    if not scores.isfinite().all():
        bad = [
            name for name, fine in zip(question.graph.edge_names, scores.isfinite().tolist(), strict=True) if not fine
        ]
        raise InvalidExplanation(f"got NaN or infinity for {', '.join(bad[:5])}, expected finite scores")
    return CircuitExplanation(scores=scores)


def count_calls(questions: Sequence[CircuitQuestion]) -> Callable[[], int]:
    """Count the inputs that pass through the graphs from now on, once for every cut graph; call the result for the
    count.
    """
    before = sum(question.graph.runs for question in questions)
    return lambda: sum(question.graph.runs for question in questions) - before
