"""Exchange one concept between two inputs: does the model answer as if it had changed, and nothing else had?

Source: interchange interventions (Geiger et al. 2021, arXiv:2106.02997).
"""

from __future__ import annotations

import torch

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingExplanation, ProbingQuestion, ProbingTruth
from benchmark.families.probing.metrics._groups import by_group
from benchmark.families.probing.metrics._subspaces import NO_SUBSPACE
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:2106.02997", needs=("interchange",))
def interchange_accuracy(
    explanation: ProbingExplanation, truth: ProbingTruth, question: ProbingQuestion
) -> dict[str, float]:
    """Share of pairs in which the whole answer is the counterfactual one, averaged over the concepts that are used.

    The base input's component in the method's subspace is replaced by the source's, the model is run on from there. In
    [0, 1], higher is better. Where the answer has several parts all must be right, so that exchanging everything gains
    nothing. Declines a method that names no subspace.
    """
    pairs = truth.interchange
    assert pairs is not None, "declared in `needs`"
    if explanation.subspace is None:
        raise Unsupported(NO_SUBSPACE)
    base, source = question.test[pairs.base], question.test[pairs.source]
    difference, edited = source - base, base.clone()
    concepts = torch.unique(pairs.concept).tolist()
    for concept in concepts:
        rows = pairs.concept == concept
        edited[rows] += explanation.component(concept, difference[rows])
    follows = pairs.follows(question.run_from(question.layer, edited, pairs.base))
    return by_group({concept: float(follows[pairs.concept == concept].mean()) for concept in concepts}, truth)
