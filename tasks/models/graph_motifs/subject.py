"""A net that says whether one motif of a graph is whole; the other motif is whole or not, which says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int
from torch import Tensor, nn

from benchmark.subjects import Check, Run, Saved, Trained, subject
from tasks.models.graph_motifs.graphs import MOTIFS, NODES, Graphs, draw
from tasks.models.graph_motifs.net import MessagePassing

Reads = Literal["house", "cycle"]
MOTIF: dict[Reads, int] = {"house": 0, "cycle": 1}
ENOUGH = 0.9
"""Of the certificate's shares: one graph in ten is room for bases that hold something like a motif."""
GUESS = 0.75
"""The most that random weights may have: of two classes they favour one."""
BACKGROUND = 100
POOL = 50
"""Batches drawn at once for training; none is used twice."""


@subject(cites="arXiv:1903.03894", threads=1, small={"steps": 350, "base": 6})
@dataclass(frozen=True, kw_only=True)
class GraphMotifs:
    """Two logits: the motif has a flaw, it is whole."""

    reads: Reads = "house"
    """Which motif."""
    training: Literal["standard", "none"] = "standard"
    base: int = 12
    """Nodes of the graph to which the motifs are attached."""
    width: int = 32
    rounds: int = 3
    steps: int = 600
    batch: int = 128
    learning_rate: float = 0.01
    """The greatest of one cycle (Smith 2018, arXiv:1803.09820) of Adam."""
    tests: int = 1000

    def draw(self, count: int, generator: torch.Generator) -> Graphs:
        """Graphs of this subject's distribution, none like another: no test graph was trained on, in whole or part."""
        return draw(self.base, count, generator)

    def net(self) -> nn.Module:
        """The architecture."""
        return MessagePassing(self.width, self.rounds, NODES)

    def train(self, run: Run) -> Trained:
        """Train and certify one seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.generator("weights").initial_seed())
            model = self.net().to(run.device)
        if self.training != "none":
            self._fit(model, run)
        model.eval().requires_grad_(False)
        graphs = self.draw(self.tests, run.generator("tests"))
        checks, confirmed = self._certify(model, graphs, run)
        return Trained(
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            public={
                "inputs": graphs.inputs(),
                "classes": graphs.classes,
                "confirmed": confirmed,
                "background": self.draw(BACKGROUND, run.generator("background")).inputs(),
            },
            checks=checks,
            facts={"inputs confirmed": _share(confirmed[graphs.classes.all(1)])} if self.training != "none" else {},
        )

    def load(self, saved: Saved) -> nn.Module:
        """Rebuild the trained model from its weights."""
        model = self.net()
        model.load_state_dict(dict(saved.weights))
        return model.to(saved.device).eval().requires_grad_(False)

    def graphs(self, saved: Saved) -> Graphs:
        """The test graphs, drawn again: what is where."""
        return self.draw(self.tests, saved.generator("tests"))

    def _fit(self, model: nn.Module, run: Run) -> None:
        optimizer = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.learning_rate, total_steps=self.steps)
        generator = run.generator("train")
        inputs, labels = torch.empty(0), torch.empty(0)
        for step in range(self.steps):
            if step % POOL == 0:
                graphs = self.draw(min(POOL, self.steps - step) * self.batch, generator)
                inputs, labels = graphs.inputs().to(run.device), graphs.classes[:, MOTIF[self.reads]].to(run.device)
            start = step % POOL * self.batch
            loss = F.cross_entropy(model(inputs[start : start + self.batch]), labels[start : start + self.batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
            if step % 100 == 99:
                run.progress(step + 1, self.steps, loss=float(loss.detach()))

    def _certify(self, model: nn.Module, graphs: Graphs, run: Run) -> tuple[list[Check], Bool[Tensor, " n"]]:
        motif = MOTIF[self.reads]
        said = self._says(model, graphs, run)
        right = said == graphs.classes[:, motif]
        if self.training == "none":
            return [Check("accuracy (random weights)", _share(right), GUESS, at_least=False)], torch.zeros_like(right)
        others = self.draw(self.tests, run.generator("exchanged"))
        followed = self._says(model, graphs.with_motif_of(motif, others), run) == others.classes[:, motif]
        kept = self._says(model, graphs.with_motif_of(1 - motif, others), run) == said
        same = self._says(model, graphs.with_base_of(others), run) == said
        whole = graphs.classes.all(1)
        needed, idle = (self._flaws(model, graphs.of(whole), which, run) for which in (motif, 1 - motif))
        checks = [
            Check("accuracy", _share(right), ENOUGH),
            Check("own motif followed", _share(followed), ENOUGH),
            Check("other motif ignored", _share(kept), ENOUGH),
            Check("base ignored", _share(same), ENOUGH),
            Check("every edge and node needed", float((needed == 0).float().mean(0).min()), ENOUGH),
            Check("no other edge or node needed", float((idle == 1).float().mean(0).min()), ENOUGH),
        ]
        confirmed = right & followed & kept & same & whole
        confirmed[whole] &= (needed == 0).all(1) & (idle == 1).all(1)
        return checks, confirmed

    def _flaws(self, model: nn.Module, graphs: Graphs, motif: int, run: Run) -> Int[Tensor, "n flaws"]:
        """What the net says of graphs in which one edge, or one node, of a motif has a flaw: each of them in turn."""
        made = [graphs.without_edge(motif, number) for number in range(len(MOTIFS[motif]))]
        made += [graphs.without_node(motif, number) for number in range(NODES)]
        return torch.stack([self._says(model, one, run) for one in made], 1)

    def _says(self, model: nn.Module, graphs: Graphs, run: Run) -> Int[Tensor, " n"]:
        return torch.as_tensor(model(graphs.inputs().to(run.device)).argmax(1).cpu())


def _share(values: Bool[Tensor, " n"]) -> float:
    return float(values.float().mean())
