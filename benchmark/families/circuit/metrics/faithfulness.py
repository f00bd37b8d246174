"""Faithfulness: does the circuit alone give the model's answer? CPR and CMD of one and the same family of circuits.

    f(C) = (value(C) - value(none)) / (value(all) - value(none))        edges outside C carry corrupted messages
    CPR  = integral of f(C_q) over q in [0, 1]                          circuit performance ratio, higher is better
    CMD  = integral of |1 - f(C_q)|                                     circuit-model difference, lower is better

C_q holds the share q of edges with the greatest |score| (Mueller et al. 2025, MIB, arXiv:2504.13151). There, CPR ranks
by the score and CMD by its magnitude, so the two describe different circuits; here one ranking makes both, hence CMD
>= |1 - CPR|, with equality if f stays on one side of 1. Ties enter together. f runs straight from one size to the
next.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.circuit import CircuitExplanation, CircuitQuestion
from benchmark.plugins import metric

SIZES = 20
"""Steps between no edge and all of them."""


@metric(range=(-1e999, 1.0), direction="higher", cites="arXiv:2504.13151", draws=12)
def faithfulness(explanation: CircuitExplanation, question: CircuitQuestion) -> dict[str, float]:
    """1 - CMD, at most 1, higher is better: 1 if circuits of every size give the model's answer, 0.5 if f rises evenly.

    Sub-scores `cpr` (near 1 is faithful; dropping suppressors lifts it above) and `cmd` (0 or more, lower is better).
    Declines pairs whose two answers are the same.
    """
    circuits = nested_circuits(explanation.strengths)
    with torch.no_grad():
        values = question.values(circuits.float().to(question.contrast.device)).double().mean(-1).cpu()
    whole = float(values[-1] - values[0])
    if abs(whole) < 1e-9:
        raise Unsupported(
            "the clean and the corrupted inputs have the same value: there is no effect to be faithful to"
        )
    cpr, cmd = areas((values - values[0]) / whole, circuits.double().mean(1))
    return {"": 1 - cmd, "cpr": cpr, "cmd": cmd}


def nested_circuits(strengths: Float[Tensor, " e"]) -> Bool[Tensor, "k e"]:
    """From no edge to all of them in about `SIZES` even steps, the strongest first; equal strengths enter together."""
    ordered = strengths.sort(descending=True).values
    counts = torch.linspace(0, len(strengths), SIZES + 1).round().long().clamp(min=1)
    thresholds = torch.cat([ordered.new_full((1,), torch.inf), ordered[counts[1:] - 1].unique().flip(0)])
    return strengths >= thresholds[:, None]


def areas(f: Float[Tensor, " k"], q: Float[Tensor, " k"]) -> tuple[float, float]:
    """CPR and CMD from f at the shares q (ascending from 0 to 1), by the trapezoid rule."""
    return float(torch.trapezoid(f, q)), float(torch.trapezoid((1 - f).abs(), q))
