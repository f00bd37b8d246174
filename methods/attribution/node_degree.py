"""Node degree: a node of a graph counts by how many neighbours it has. It never looks at the model.

    A_ii(x) = d_i,   A_ij(x) = |x_ij| (d_i + d_j) / 2,     d_i = sum over j other than i of (|x_ij| + |x_ji|) / 2

Where a motif is denser than the graph to which it is attached, its nodes have more neighbours than the others, and
counting them finds the motif: explainers of graph networks are to be held against such baselines (Faber, Moghaddam and
Wattenhofer 2021). `input_magnitude` is another one: it tells edges that are there from those that are not, and no edge
from another.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmark.errors import Unsupported
from benchmark.families.attribution import AttributionQuestion, attribution_method


@attribution_method(cites="doi:10.1145/3447548.3467283", control=True, requires=("graphs",))
def node_degree(question: AttributionQuestion) -> Tensor:
    """The neighbours of each node, and of an edge the mean of its two nodes'; no model involved."""
    graphs = question.inputs.abs()
    if graphs.dim() < 3 or graphs.shape[-1] != graphs.shape[-2]:
        raise Unsupported(f"node_degree needs graphs as square matrices, got inputs of shape {list(graphs.shape)}")
    edges = graphs - torch.diag_embed(graphs.diagonal(dim1=-2, dim2=-1))
    degree = (edges.sum(-1) + edges.sum(-2)) / 2
    return edges * (degree[..., :, None] + degree[..., None, :]) / 2 + torch.diag_embed(degree)
