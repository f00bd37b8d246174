"""Exchange one concept between two inputs: does the model answer as if it had changed, and nothing else had?

Source: interchange interventions (Geiger et al. 2021, arXiv:2106.02997).
"""

from __future__ import annotations

import torch

from benchmark.errors import Unsupported
from benchmark.families.probing import ProbingExplanation, ProbingSubject, ProbingTruth
from benchmark.metrics.probing._groups import by_group
from benchmark.plugins import metric


@metric(range=(0.0, 1.0), direction="higher", cites="arXiv:2106.02997")
def interchange_accuracy(explanation: ProbingExplanation, truth: ProbingTruth, posed: ProbingSubject) -> dict[str, float]:
    """Share of pairs in which the whole answer is the counterfactual one, averaged over the concepts that the model uses.

    The base input's component in the method's subspace is replaced by the source's, the model is run on from there. In [0, 1],
    higher is better. Where the answer has several parts all must be right, so that exchanging everything gains nothing.
    """
    pairs = truth.interchange
    if pairs is None:
        raise Unsupported("the task has no pairs of inputs to exchange a concept between")
    if explanation.subspace is None:
        raise Unsupported("the method names no subspace")
    difference = pairs.source - pairs.base
    edited = pairs.base.clone()
    concepts = pairs.concept.unique().tolist()
    for concept in concepts:
        rows = pairs.concept == concept
        edited[rows] += explanation.component(concept, difference[rows])
    follows = pairs.follows(torch.as_tensor(posed.run_from(posed.layer, edited)))
    return by_group({concept: float(follows[pairs.concept == concept].mean()) for concept in concepts}, truth)
