"""ACDC, automatic circuit discovery: edges are pruned greedily, from the answer back to the inputs (Conmy et al. 2023).

    for every edge e into node v, v from the last to the first:  cut e for good if D(C without e) - D(C) < threshold

D(C) = |value(clean run) - value(C)| for the circuit C that is left. One threshold gives one circuit, so here the
threshold climbs a ladder, each rung going on from the circuit that the one before left: the circuits are nested, and an
edge's score is the rung on which it was cut. Scores stitched together from separate runs would describe no such family.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.families.circuit import CircuitQuestion, circuit_method


@circuit_method(cites="arXiv:2304.14997")
def acdc(question: CircuitQuestion, *, rungs: int = 10, lowest: float = 1e-3) -> Tensor:
    """The rung, from 0, on which each edge is cut; thresholds climb geometrically from `lowest` to 1 as shares of the
    whole effect, and what is never cut gets `rungs`.
    """
    order = sorted(range(question.size), key=lambda e: -question.graph.edges[e].receiver)
    keep, scores = torch.ones(question.size), torch.full((question.size,), float(rungs))
    with torch.no_grad():
        clean = float(question.values(keep).mean())
        whole = abs(clean - float(question.values(torch.zeros(question.size)).mean()))
        distance = 0.0
        for rung, threshold in enumerate((lowest ** (1 - torch.linspace(0, 1, rungs))).tolist()):
            for edge in order:
                if keep[edge]:
                    keep[edge] = 0.0
                    without = abs(clean - float(question.values(keep).mean()))
                    if without - distance < threshold * whole:
                        distance, scores[edge] = without, rung
                    else:
                        keep[edge] = 1.0
    return scores
