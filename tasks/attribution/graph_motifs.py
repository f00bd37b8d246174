"""A house and a cycle on a random graph: which nodes and edges does it take for one of them to be whole?

    graph [1, v, v]: edges off the diagonal, kinds of nodes on it;   class of a motif: whole, or with one flaw
    two rivals: one net says whether the house is whole, the other whether the cycle is
    truth: the edges and nodes of the motif that is read (`nodes`: the nodes alone);   figure: those of both motifs

**Used** are all edges and nodes of a whole motif, one by one: without any of them the answer is another one. Of every
graph that is asked about the certificate has shown it, for each edge and node in turn, and that none of the other
motif's is needed. Where a motif is told from another motif, as in BA-Shapes and its like (Ying et al. 2019,
arXiv:1903.03894), part of it is enough, and what an explanation leaves out may be left out by the net (redundant
evidence: Faber, Moghaddam and Wattenhofer 2021, doi:10.1145/3447548.3467283). **Associated** with the answer is nothing
else: base and motifs are drawn apart. **Blind**, nobody can tell: only graphs are asked about in which both motifs are
whole, so that graphs and targets of both nets are the same, and the truths complete each other.

Primary is the order among the entries of both motifs (`figure_auroc`). `node_degree` shows what rivals are for: nodes
of a house have more neighbours than those of a cycle, so that counting them looks like an explanation of the one net,
and is as wrong about the other. Node and edge attributions are entries of one tensor, an edge being two of them;
methods that work on squares of it mix several edges. Every graph is drawn on its own: no test node was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from benchmark.families.attribution import AttributionQuestion, AttributionTruth, attribution_task
from benchmark.subjects import Saved
from tasks.models.graph_motifs.subject import MOTIF, Reads
from tasks.models.graph_motifs.subject import GraphMotifs as Subject


@attribution_task(
    cites="arXiv:1903.03894",
    subjects={
        "house": {"subject": "graph_motifs", "reads": "house"},
        "cycle": {"subject": "graph_motifs", "reads": "cycle"},
    },
    primary="figure_auroc",
    provides=("graphs",),
    controls=("node_degree", "input_magnitude", "random_weights_gradient", "blurred_random", "blind_segmenter"),
    metrics=(
        *("figure_auroc", "average_precision", "auroc", "rank_accuracy", "truth_mass", "false_positive_mass"),
        *("insertion", "deletion", "infidelity", "completeness_gap"),
    ),
    variants={
        "house": {},
        "cycle": {"reader": "cycle"},
        "small_house": {"base": 6},
        "small_cycle": {"base": 6, "reader": "cycle"},
        "large_house": {"base": 24},
        "large_cycle": {"base": 24, "reader": "cycle"},
        "untrained_house": {"training": "none"},
        "untrained_cycle": {"training": "none", "reader": "cycle"},
    },
    rivals={"house": "cycle", "small_house": "small_cycle", "large_house": "large_cycle"},
    twins={"house": "untrained_house", "cycle": "untrained_cycle"},
    unranked=("untrained_house", "untrained_cycle"),
    dials={"base graph size": ("small_house", "house", "large_house")},
    small={"variants": ("house", "cycle"), "inputs": 40},
)
@dataclass(frozen=True, kw_only=True)
class GraphMotifsTask:
    """Which nodes and edges make up the motif that the net reads?"""

    reader: Reads = "house"
    """Whose answer is to be explained."""
    inputs: int = 60
    """So many test graphs are explained: the first ones with both motifs whole, on which both nets are confirmed."""

    def pose(self, saved: Mapping[str, Saved]) -> AttributionQuestion:
        """The net, graphs with their class as target, graphs of the distribution, and an empty one as baseline."""
        asked, chosen = saved[self.reader], self._chosen(saved)
        subject: Subject = asked.subject
        graphs = asked.public["inputs"][chosen].to(asked.device)
        return AttributionQuestion(
            model=subject.load(asked),
            inputs=graphs,
            targets=asked.public["classes"][chosen, MOTIF[self.reader]].to(asked.device),
            background=asked.public["background"].to(asked.device),
            baseline=torch.zeros_like(graphs[0]),
            seed=asked.method_seed,
        )

    def truth(self, saved: Mapping[str, Saved]) -> AttributionTruth:
        """The edges and nodes of the motif that is read, and of them the nodes alone."""
        asked, chosen, motif = saved[self.reader], self._chosen(saved), [MOTIF[self.reader]]
        subject: Subject = asked.subject
        graphs = subject.graphs(asked)
        nodes, base = graphs.nodes()[chosen], graphs.ground()[chosen][:, None]
        motifs = graphs.edges()[chosen] | nodes
        used, both = motifs[:, motif], motifs.any(1, keepdim=True)
        masks = {"": used, "nodes": nodes[:, motif]}
        return AttributionTruth(masks=masks, zero_set=base | (both & ~used), figure=both)

    def _chosen(self, saved: Mapping[str, Saved]) -> Int[Tensor, " inputs"]:
        """The indices of the test graphs to explain, the same for both readers."""
        house, cycle = (saved[reader].public for reader in ("house", "cycle"))
        chosen = house["classes"].all(1)
        if saved[self.reader].subject.training != "none":
            chosen &= house["confirmed"] & cycle["confirmed"]
        return chosen.cpu().nonzero()[: self.inputs, 0]
