"""Questions and truths of circuits as tables: a row for each pair of inputs, and for each edge."""

from __future__ import annotations

import torch

from benchmark.families.circuit import CircuitQuestion, CircuitTruth
from benchmark.families.family import Table


def question_tables(question: CircuitQuestion) -> list[Table]:
    """The pairs of inputs with what is asked of the outputs, and the graph."""
    graph = question.graph
    return [
        Table(
            "pairs",
            "a row for each pair of inputs, `clean` and `corrupted`; what is asked about is the output's inner product "
            "with `contrast`",
            {"clean": question.clean, "corrupted": question.corrupted, "contrast": question.contrast},
        ),
        Table(
            "edges",
            "a row for each edge of the model's graph: its number, name, the nodes `sender` and `receiver`, and the "
            "`port` at which it arrives",
            {
                "edge": torch.arange(question.size),
                "name": graph.edge_names,
                "sender": [graph.nodes[edge.sender] for edge in graph.edges],
                "receiver": [graph.nodes[edge.receiver] for edge in graph.edges],
                "port": [edge.port for edge in graph.edges],
            },
        ),
    ]


def truth_tables(truth: CircuitTruth) -> list[Table]:
    """The role of each edge."""
    return [
        Table(
            "truth",
            "a row for each row of `edges`: its `role`, and whether it belongs to the circuit",
            {"edge": torch.arange(len(truth.roles)), "role": list(truth.roles), "in_circuit": truth.circuit},
        )
    ]
