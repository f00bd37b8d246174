"""MLP probe: a network with one hidden layer, which also reads what is not linear (Hewitt and Liang 2019)."""

from __future__ import annotations

import torch

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method
from benchmark.learning.probes import fit_mlp
from methods.probing._batches import Answer, Batch, solve


@probing_method(
    cites="arXiv:1909.03368",
    budget="steps",
    small={"steps": 100},
    tunable={"hidden": (16, 64, 256), "rate": {"low": 1e-3, "high": 1e-1}, "decay": {"low": 1e-4, "high": 1.0}},
)
def mlp_probe(
    question: ProbingQuestion,
    *,
    hidden: int = 64,
    steps: int = 300,
    rate: float = 1e-2,
    decay: float = 1e-2,
    directions: int = 3,
) -> ProbingExplanation:
    """Train all concepts as one stacked network; not several questions, since its sums depend on what is stacked.

    The subspace holds the `directions` along which the logits change most: the leading eigenvectors of the gradients'
    second moment over the train inputs, and no more than the question's `ranks` allow. They need not be as many as a
    linear rule would have.
    """
    ranks = torch.tensor([min(directions, most) for most in question.ranks or [directions] * question.concepts])

    def answer(batch: Batch) -> Answer:
        probes = fit_mlp(
            batch.train,
            batch.labels,
            batch.classes,
            seeds=batch.seeds,
            hidden=hidden,
            steps=steps,
            rate=rate,
            decay=decay,
        )
        moments = probes.gradient_moments(batch.train)
        axes = torch.linalg.eigh(moments).eigenvectors[..., -directions:].mT.flip(2)
        own = (torch.arange(directions) < ranks[:, None]).to(axes)
        return Answer(probes.scores(batch.test), axes * own[..., None])

    return solve([question], answer)[0]
