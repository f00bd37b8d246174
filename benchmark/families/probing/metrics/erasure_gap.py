"""What fresh probes still read after the method's subspace has been removed, for each class of probe.

Removing a direction blinds linear probes and may leave a concept to others, so one number for both would hide the
difference (Elazar et al. 2021, "Amnesic Probing"; Belrose et al. 2023).
"""

from __future__ import annotations

import torch

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingExplanation, ProbingQuestion, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.families.probing.metrics._subspaces import NO_SUBSPACE
from benchmark.learning.probes import fit_linear, fit_mlp
from benchmark.plugins import metric

INPUTS = 1500
"""Most train inputs that the fresh probes get: enough to see what is left."""


@metric(range=(0.0, 1.0), direction="lower", cites="arXiv:2306.03819", draws=12, needs=("erased",))
def erasure_gap(explanation: ProbingExplanation, truth: ProbingTruth, question: ProbingQuestion) -> dict[str, float]:
    """Accuracy that probes trained after the removal still reach on test inputs, above the best constant answer's.

    In [0, 1], lower is better. Sub-scores: `linear` (logistic regression) and `mlp` (one hidden layer of 32) with their
    groups (`linear_xor`); the number without a name is the mean of the two classes of probe. Declines a method that
    names no subspace.
    """
    if explanation.subspace is None:
        raise Unsupported(NO_SUBSPACE)
    train, concepts = question.train[:INPUTS], list(truth.erased)
    centre = question.train.mean(0)
    seen, unseen = (
        torch.stack([x - explanation.component(concept, x - centre) for concept in concepts])
        for x in (train, question.test)
    )
    labels, wanted = question.labels[: len(train), concepts].T[..., None], truth.labels[:, concepts]
    most = max(question.classes[concept] for concept in concepts)
    scores = {
        "linear": fit_linear(seen, labels, (most,), steps=60, tolerance=3e-3).scores(unseen),
        "mlp": fit_mlp(
            seen, labels, (most,), seeds=[question.seed] * len(concepts), hidden=32, steps=60, rate=2e-2
        ).scores(unseen),
    }
    result: dict[str, float] = {}
    for kind, logits in scores.items():
        left: dict[int, float] = {}
        for place, concept in enumerate(concepts):
            right = (logits[place, :, 0].argmax(1) == wanted[:, place]).float().mean()
            constant = torch.bincount(wanted[:, place].long()).max() / len(wanted)
            left[concept] = max(0.0, float(right - constant))
        result |= {f"{kind}_{group}" if group else kind: value for group, value in by_group(left, truth).items()}
    return {"": (result["linear"] + result["mlp"]) / 2} | result
