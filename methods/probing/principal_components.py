"""Principal components: the directions in which activations vary most, for every concept the same. A control."""

from __future__ import annotations

import torch

from benchmark.families.probing import ProbingExplanation, ProbingQuestion, probing_method


@probing_method(cites="doi:10.1080/14786440109462720", control=True)
def principal_components(question: ProbingQuestion) -> ProbingExplanation:
    """Name the leading components, as many as are allowed, and the commonest class: no label says where, no model."""
    ranks = question.ranks or tuple(count - 1 for count in question.classes)
    centred = question.train - question.train.mean(0)
    axes = torch.linalg.svd(centred, full_matrices=False).Vh[: max(ranks)]
    own = torch.arange(len(axes), device=axes.device) < torch.tensor(ranks, device=axes.device)[:, None]
    frequencies = torch.nn.functional.one_hot(question.labels.long(), max(question.classes)).float().mean(0)
    return ProbingExplanation(
        scores=frequencies.expand(len(question.test), -1, -1).contiguous(), subspace=axes * own[..., None]
    )
