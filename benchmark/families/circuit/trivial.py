"""Circuit: a linear network in which half of the edges lead to a unit that nobody hears.

x0 and x1 reach the answer through h0; x2 and x3 reach h1, whose bias keeps it shut. In a linear network everything
agrees: patching, its linear approximation and the product of weights along the path.
"""

from __future__ import annotations

import torch

from benchmark.families.circuit import CircuitQuestion, CircuitTruth
from benchmark.families.circuit.units import Unit, Units
from benchmark.families.family import Template

JUDGE = "edge_auroc"
PAIRS = 16

TEMPLATE = Template(
    returns="Tensor",
    parameter="absolute: bool = False",
    imports="""from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method""",
    body="""    # how much the mean value rises with the share that each edge keeps of its clean message
    keep = torch.ones(question.size).requires_grad_(True)
    (slope,) = torch.autograd.grad(question.values(keep).mean(), keep)
    return slope.abs() if absolute else slope""",
    metric_imports="""from __future__ import annotations

import torch

from benchmark.families.circuit import CircuitExplanation, CircuitTruth""",
    metric_body="""    essential = torch.tensor([role == "essential" for role in truth.roles])
    strength = explanation.scores.abs()
    return float(strength[essential].sum() / strength.sum().clamp_min(1e-12))""",
)


def trivial(seed: int) -> tuple[CircuitQuestion, CircuitTruth]:
    """The problem above, and its answer."""
    generator = torch.Generator().manual_seed(seed)
    weights = (torch.rand(6, generator=generator) + 0.5).tolist()
    names = [("x0", "h0"), ("x1", "h0"), ("x2", "h1"), ("x3", "h1"), ("h0", "answer"), ("h1", "answer")]
    units = [Unit(f"x{i}", "input") for i in range(4)] + [Unit("h0"), Unit("h1", "relu", bias=-100.0), Unit("answer")]
    question = CircuitQuestion(
        graph=Units(units, dict(zip(names, weights, strict=True))).eval(),
        clean=torch.rand(PAIRS, 4, generator=generator) + 0.5,
        corrupted=torch.rand(PAIRS, 4, generator=generator) - 1.5,
        contrast=torch.ones(PAIRS, 1),
        seed=seed,
    )
    return question, CircuitTruth(roles=("essential", "essential", "dead", "dead", "essential", "dead"))
