"""Linear probe: multinomial logistic regression on the activations (Alain and Bengio 2016)."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.errors import TouchstoneError
from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method
from benchmark.learning.probes import absent_classes, fit_linear
from methods.probing._batches import Answer, Batch, solve, span


@probing_method(cites="arXiv:1610.01644", batched=True, tunable={"penalty": {"low": 1e-2, "high": 1e2}})
def linear_probe(
    questions: Sequence[ProbingQuestion], *, penalty: float = 1.0, steps: int = 200, tolerance: float = 1e-3
) -> list[ProbingExplanation]:
    """Fit all concepts of all questions at once; the subspace is what the differences of class weights span.

    Activations are centred and divided by one number, their root mean square, which keeps every angle: a rotation of
    the space rotates the answer. `penalty` is 1/C of scikit-learn's LogisticRegression, whatever the number of classes;
    at the default `tolerance`
    probabilities are within a few hundredths of its own, and accuracies the same.
    """

    def answer(batch: Batch) -> Answer:
        mean = batch.train.mean(1, keepdim=True)
        scale = (batch.train - mean).square().mean((1, 2), keepdim=True).sqrt()
        if not (scale > 0).all():
            raise TouchstoneError("linear_probe: got constant activations, expected some that vary")
        train, test = (batch.train - mean) / scale, (batch.test - mean) / scale
        probes = fit_linear(train, batch.labels, batch.classes, penalty=penalty, steps=steps, tolerance=tolerance)
        weight = probes.weight.permute(0, 2, 3, 1)
        present = (absent_classes(batch.classes, weight) == 0).to(weight)[..., None]
        centred = (weight - (weight * present).sum(2, keepdim=True) / present.sum(1, keepdim=True)) * present
        return Answer(probes.scores(test), span(centred, batch.classes))

    return solve(questions, answer)
