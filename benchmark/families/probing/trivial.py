"""Probing: two concepts and a control in 8 dimensions, without overlap between classes.

Concept 0 is the sign of dimension 0, concept 1 (three classes) lies in dimensions 1 and 2 at the corners of a triangle;
the model answers with dimension 0 and the triangle's coordinates, untouched.
"""

from __future__ import annotations

import torch

from benchmark.families.family import Template
from benchmark.families.probing import Interchange, ProbingQuestion, ProbingTruth, run_from_layers

JUDGE = "test_accuracy"

TEMPLATE = Template(
    returns="Tensor",
    parameter="power: float = 2.0",
    imports="""from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.probing import ProbingQuestion, probing_method""",
    body="""    # the higher, the likelier; to locate concepts as well, return a ProbingExplanation with a subspace
    scores = torch.full((len(question.test), question.concepts, max(question.classes)), -1e9)
    for concept, classes in enumerate(question.classes):
        for label in range(classes):
            rows = question.labels[:, concept] == label
            if rows.any():
                mean = question.train[rows].mean(0)
                scores[:, concept, label] = -(question.test - mean).norm(dim=1) ** power
    return scores""",
    metric_imports="""from __future__ import annotations

from benchmark.families.probing import ProbingExplanation, ProbingTruth""",
    metric_body="""    right = explanation.scores.argmax(-1) == truth.labels
    return float(right[:, truth.real].float().mean())""",
)


def trivial(seed: int) -> tuple[ProbingQuestion, ProbingTruth]:
    """The problem above, and its answer."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.stack([torch.randint(classes, (200,), generator=generator) for classes in (2, 3, 2)], 1)
    corners = torch.tensor([[4.0, 0.0], [-2.0, 3.5], [-2.0, -3.5]])
    x = 0.1 * torch.randn(200, 8, generator=generator)
    x[:, 0] += 4.0 * labels[:, 0] - 2.0
    x[:, 1:3] += corners[labels[:, 1]]
    axes = torch.eye(8)
    subspaces = torch.stack([torch.stack([axes[0], 0 * axes[0]]), axes[1:3], 0 * axes[:2]])
    question = ProbingQuestion(
        layer="hidden",
        train=x[:120],
        test=x[120:],
        labels=labels[:120],
        classes=(2, 3, 2),
        run_from=run_from_layers({"hidden": lambda activations, _: activations[:, :3]}),
        seed=seed,
    )
    base = torch.arange(80)
    source = base.roll(1)
    expected = x[120:][base][:, :3].clone()
    expected[:, 0] = x[120:][source][:, 0]
    truth = ProbingTruth(
        names=("sign", "triangle", "control 1"),
        labels=labels[120:],
        control_of=(-1, -1, 0),
        subspaces=subspaces,
        interchange=Interchange(
            concept=torch.zeros(80, dtype=torch.long),
            base=base,
            source=source,
            follows=lambda outputs: ((outputs - expected).abs() < 0.5).all(1).float(),
        ),
        erased=(0, 1),
    )
    return question, truth
