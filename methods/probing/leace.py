"""LEACE: the smallest change that leaves nothing for any linear classifier (Belrose et al. 2023).

With W the whitening map of the activations x and u an orthonormal basis of the columns of W cov(x, z), z the one-hot
classes, the erased activations are x - W^+ u u^T W (x - mean). That is an oblique projection: what is removed lies in
the span of the class means (the `subspace`); how much of it is read off by u^T W (the `reader`), which allows for noise
that is shared with other directions.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method
from benchmark.learning.erasure import fit_leace
from methods.probing._batches import Answer, Batch, solve


@probing_method(cites="arXiv:2306.03819", batched=True)
def leace(questions: Sequence[ProbingQuestion], *, tolerance: float = 0.01) -> list[ProbingExplanation]:
    """Fit the eraser of every concept in closed form.

    Scores are those of the Gaussian rule with one covariance (linear discriminant analysis) on the component that is
    erased: nothing outside it is read, and nothing linear is missed. Singular values of the whitened cross-covariance
    below `tolerance` are dropped, as in the authors' package.
    """

    def answer(batch: Batch) -> Answer:
        eraser = fit_leace(batch.train, batch.labels, batch.classes, tolerance=tolerance)
        return Answer(eraser.scores(batch.test).float(), eraser.subspace.float(), eraser.reader.float())

    return solve(questions, answer)
