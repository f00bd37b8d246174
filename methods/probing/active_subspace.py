"""Active subspace: of what a probe reads, keep what the model reads (Constantine et al. 2014).

    moved = run_from(x + s_i v_i) - run_from(x - s_i v_i)        along every principal axis v_i, by its deviation s_i
    M = mean over inputs of moved moved^T                        its leading eigenvectors: what the model reads
    G = mean over inputs of g g^T                                g an MLP probe's gradient: what the probe reads

A probe reads a concept wherever labelled inputs show it, whether the model looks there or not. What lies outside the
span of M is dropped; a concept of which little is left inside it is not used. Where a concept is written follows from
how it is read by the activations' covariance (Haufe et al. 2014, doi:10.1016/j.neuroimage.2013.10.067), here that of
the test inputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method
from benchmark.learning.probes import MlpProbes, fit_mlp


@probing_method(
    cites="doi:10.1137/130916138",
    budget="steps",
    small={"inputs": 16, "steps": 60},
    tunable={"hidden": (16, 64, 256), "kept": (0.9, 0.95, 0.98, 0.99), "used": (0.1, 0.25, 0.4)},
)
def active_subspace(
    question: ProbingQuestion,
    *,
    inputs: int = 64,
    kept: float = 0.98,
    used: float = 0.25,
    hidden: int = 64,
    steps: int = 300,
) -> ProbingExplanation:
    """Find what the model reads by moving `inputs` test inputs along all axes, and what of it the probe reads.

    As many directions are kept as carry a share `kept` of the squared change. A concept is said to be used where they
    hold at least a share `used` of the probe's squared gradient, both in units of the activations' deviations: half of
    it is left of a concept written in two places of which the model reads one. Scores are those of a second probe, of
    what the model reads alone, for concepts that are used, and those of the first one for others.
    """

    def probe(train: Tensor) -> MlpProbes:
        return fit_mlp(
            train[None], question.labels[None], question.classes, seeds=[question.seed], hidden=hidden, steps=steps
        )

    centre = question.test.mean(0)
    whitened = _Whitened.of(question.test - centre)
    active = _active(question, whitened, inputs, kept)
    everything = probe(question.train)
    moments = whitened.write @ everything.gradient_moments(question.train[None])[0] @ whitened.write.T
    inside = active @ moments @ active.T
    uses = inside.diagonal(dim1=1, dim2=2).sum(1) >= used * moments.diagonal(dim1=1, dim2=2).sum(1)

    read = (active @ whitened.read).T
    within = probe((question.train - centre) @ read).scores(((question.test - centre) @ read)[None])[0]
    scores = torch.where(uses[:, None], within, everything.scores(question.test[None])[0])

    ranks = question.ranks or tuple(count - 1 for count in question.classes)
    subspace = question.train.new_zeros(question.concepts, max(ranks), question.train.shape[1])
    reader = torch.zeros_like(subspace)
    for concept, rank in enumerate(ranks):
        rows = _leading(inside[concept], rank) @ active if uses[concept] else _leading(moments[concept], rank)
        reads, written = rows @ whitened.read, torch.linalg.svd(rows @ whitened.write, full_matrices=False).Vh
        subspace[concept, : len(rows)] = written
        reader[concept, : len(rows)] = torch.linalg.solve(reads @ written.T, reads)
    return ProbingExplanation(scores=scores, subspace=subspace, reader=reader, uses=uses)


def _leading(moments: Float[Tensor, "r r"], rank: int) -> Float[Tensor, "k r"]:
    """The axes along which most is read, most first."""
    axes: Tensor = torch.linalg.eigh(moments).eigenvectors.mT.flip(0)
    return axes[:rank]


@dataclass(frozen=True)
class _Whitened:
    """Coordinates of centred activations along their principal axes, in deviations."""

    read: Float[Tensor, "d d"]
    """From activations to coordinates."""
    write: Float[Tensor, "d d"]
    """The change of the activations that goes with one deviation of each coordinate."""

    @classmethod
    def of(cls, x: Float[Tensor, "m d"]) -> _Whitened:
        variance, axes = torch.linalg.eigh(x.T @ x / len(x))
        size = variance.clamp_min(1e-6 * float(variance[-1])).sqrt()
        return cls(read=(axes / size).T, write=(axes * size).T)


def _active(question: ProbingQuestion, whitened: _Whitened, inputs: int, kept: float) -> Float[Tensor, "r d"]:
    """Orthonormal coordinates along which the model's outputs change, most first."""
    steps = whitened.write
    chosen = torch.arange(min(inputs, len(question.test)), device=steps.device)
    number = chosen.repeat_interleave(len(steps))
    up, down = (
        question.run_from(question.layer, question.test[number] + sign * steps.repeat(len(chosen), 1), number)
        for sign in (1.0, -1.0)
    )
    moved = (up - down).unflatten(0, (len(chosen), len(steps)))
    strength, axes = torch.linalg.eigh((moved @ moved.mT).mean(0))
    strength = strength.flip(0).clamp_min(0)
    count = 1 + int((strength.cumsum(0) < kept * strength.sum()).sum())
    found: Tensor = axes.mT.flip(0)
    return found[:count]
