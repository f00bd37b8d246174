"""Circuit: a linear network in which half of the edges lead to a unit that nobody hears.

Half of the inputs reach the answer through h0; the others reach h1, whose bias keeps it shut. In a linear network
everything agrees: patching, its linear approximation and the product of weights along the path.
"""

from __future__ import annotations

import torch

from benchmark.families.circuit import CircuitQuestion, CircuitTruth
from benchmark.families.circuit.units import Unit, Units
from benchmark.families.family import Template

JUDGE = "edge_auroc"
PAIRS = 16
HEARD = 39
"""Inputs of each unit: so many that chance ranks the edges of both unlike the truth, by far more than its spread."""

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
    inputs = [f"x{number}" for number in range(2 * HEARD)]
    names = [(name, "h0" if place < HEARD else "h1") for place, name in enumerate(inputs)]
    names += [("h0", "answer"), ("h1", "answer")]
    weights = (torch.rand(len(names), generator=generator) + 0.5).tolist()
    units = [Unit(name, "input") for name in inputs]
    units += [Unit("h0"), Unit("h1", "relu", bias=-1000.0), Unit("answer")]
    question = CircuitQuestion(
        graph=Units(units, dict(zip(names, weights, strict=True))).eval(),
        clean=torch.rand(PAIRS, len(inputs), generator=generator) + 0.5,
        corrupted=torch.rand(PAIRS, len(inputs), generator=generator) - 1.5,
        contrast=torch.ones(PAIRS, 1),
        seed=seed,
    )
    roles = tuple("essential" if "h0" in edge else "dead" for edge in names)
    return question, CircuitTruth(roles=roles)
