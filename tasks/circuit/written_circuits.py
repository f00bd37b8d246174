"""Written circuits: networks of gates in which the role of every edge is known, one variant for each kind of gate.

Cutting one edge at a time shows all but the redundant edges (`or`): each of them alone does nothing. Slopes at the
clean input show nothing of gates that are saturated there (`or`, `saturated`).
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.families.circuit import CircuitQuestion, CircuitTruth, circuit_task
from benchmark.subjects import Saved


@circuit_task(
    cites="arXiv:2505.10039",
    subject="written_circuits",
    primary="edge_auroc",
    controls=("weight_norm", "message_difference", "random_circuit"),
    metrics=("edge_auroc", "faithfulness"),
    variants={
        "linear": {"gates": "linear"},
        "and": {"gates": "and"},
        "or": {"gates": "or"},
        "suppressor": {"gates": "suppressor"},
        "saturated": {"gates": "saturated"},
        "mixed": {"gates": "mixed"},
    },
    small={"variants": ("mixed",)},
)
@dataclass(frozen=True, kw_only=True)
class WrittenCircuitsTask:
    """Find the edges that carry signals through live gates, among those that lead to closed ones or carry noise."""

    def pose(self, saved: Saved) -> CircuitQuestion:
        """The network and its pairs of inputs."""
        public = {name: saved.public[name].clone() for name in ("clean", "corrupted", "contrast")}
        return CircuitQuestion(graph=saved.subject.load(saved), seed=saved.method_seed, **public)

    def truth(self, saved: Saved) -> CircuitTruth:
        """The role of every edge."""
        return CircuitTruth(roles=saved.subject.plant(saved.seed).roles)
