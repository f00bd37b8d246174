"""What the page shows of circuits: the graph, its edges in the colours of their scores, the planted circuit outlined.

Red speaks for the clean answer, blue against it, grey is nothing. The colour's strength is the cube root of the
score's share of the greatest: scores are ranked, and a small one that is not 0 must be seen. Edges of the planted
circuit lie on a green band, so that a green edge without colour was missed, and a coloured one without green is a
false alarm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from benchmark.families.circuit.graph import Graph
from benchmark.families.family import DATA, Case, Picture
from benchmark.families.panels import panels

FIRST = ("oracle", "random")
LEFT_OUT = ("inverted",)
COLUMNS = 4
FAINT = 0.05
"""Strengths of colour below this are drawn grey: shares of about a ten-thousandth, what rounding leaves."""
TRUTH = (0.0, 0.62, 0.45, 0.55)


def pictures(cases: Sequence[Case]) -> list[Picture]:
    """The planted circuits of each task; for each of its variants, of its first seed, a graph for every method."""

    def setting(case: Case) -> tuple[str, str]:
        return case.task, case.variant

    drawn: list[Picture] = []
    for task in sorted({case.task for case in cases}):
        planted = [case for case in cases if case.task == task and case.method == "oracle"]
        seeds = {
            case.variant: min(other.seed for other in planted if other.variant == case.variant) for case in planted
        }
        if planted:
            drawn.append(_data(task, [case for case in planted if case.seed == seeds[case.variant]]))
    for (task, variant), group in groupby(sorted(cases, key=setting), setting):
        members = [case for case in group if case.method not in LEFT_OUT]
        first = [case for case in members if case.seed == min(other.seed for other in members)]
        order = {name: place for place, name in enumerate(FIRST)}
        first.sort(key=lambda case: (order.get(case.method, len(order)), case.method))
        drawn.append(_picture(task, variant, first))
    return drawn


def _data(task: str, cases: Sequence[Case]) -> Picture:
    caption = (
        f"The graphs of {task}, inputs on the left and the answer on the right; on green bands the edges of the "
        "planted circuit, which a method is to find."
    )
    draw = partial(_drawn, cases[: 2 * COLUMNS], by_variant=True)
    return Picture(DATA, "The models, with what is planted", caption, draw, cases)


def _picture(task: str, variant: str, cases: Sequence[Case]) -> Picture:
    caption = (
        f"The graph of {task}, {variant}, inputs on the left and the answer on the right, as each method "
        "scores its edges: red speaks for the clean answer, blue against it, grey is near 0. Green bands mark the "
        "planted circuit. The number is the method's score."
    )
    title = f"Edges found: {task}, {variant}"
    return Picture(f"{task}-{variant}-graph", title, caption, partial(_drawn, cases), cases)


def _drawn(cases: Sequence[Case], *, by_variant: bool = False) -> Figure:
    columns = min(COLUMNS, len(cases))
    rows = -(-len(cases) // columns)
    figure, axes = panels(rows, columns, panel=(3.3, 2.5), margins=(0.05, 0.05, 0.05, 0.45), gap=(0.1, 0.45))
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, case in zip(axes.ravel(), cases, strict=False):
        score = None if by_variant else next(iter(case.scores.values()), None)
        name = case.variant if by_variant else case.method
        axis.set_title(name.replace("_", " ") + ("" if score is None else f"\n{score:.2f}"), fontsize=8)
        _graph(axis, case)
    return figure


def _graph(axis: Axes, case: Case) -> None:
    """Nodes in layers, edges as lines; ports of one pair of nodes lie side by side."""
    graph: Graph = case.question.graph
    x, y = _places(graph)
    scores = case.explanation.scores.detach().cpu().double().numpy()
    shares = np.cbrt(scores / (np.abs(scores).max() or 1.0))
    ports = sorted({edge.port for edge in graph.edges if edge.port})
    beside = {port: 0.025 * (place - (len(ports) - 1) / 2) for place, port in enumerate(ports)}
    segments = [
        [(x[e.sender], y[e.sender]), (x[e.receiver], y[e.receiver] + beside.get(e.port, 0.0))] for e in graph.edges
    ]
    planted = [segment for segment, inside in zip(segments, case.truth.circuit.tolist(), strict=True) if inside]
    axis.add_collection(LineCollection(planted, colors=[TRUTH], linewidths=4.0, zorder=1))
    order = np.argsort(np.abs(shares), kind="stable")
    colours = colormaps["RdBu_r"](0.5 + 0.5 * shares)
    colours[np.abs(shares) < FAINT] = (0.85, 0.85, 0.85, 1.0)
    widths = 0.4 + 1.4 * np.abs(shares)
    axis.add_collection(
        LineCollection([segments[i] for i in order], colors=colours[order], linewidths=widths[order], zorder=2)
    )
    axis.scatter(x, y, s=14, color="black", zorder=3)
    for name, left, height, depth in zip(graph.nodes, x, y, graph.depths, strict=True):
        last = depth == max(graph.depths)
        axis.annotate(
            name, (left, height), xytext=(4 if last else -4, 0), textcoords="offset points", fontsize=5, va="center",
            ha="left" if last else "right",
        )  # fmt: skip
    axis.set_xlim(-0.18, 1.22)
    axis.set_ylim(-0.08, 1.08)


def _places(graph: Graph) -> tuple[list[float], list[float]]:
    """Where to draw each node: its depth across, its number among those of one depth downwards."""
    depths = graph.depths
    most = max(depths)
    x = [depth / most for depth in depths]
    y = []
    for node, depth in enumerate(depths):
        peers = [other for other, own in enumerate(depths) if own == depth]
        y.append(1 - (peers.index(node) + 0.5) / len(peers))
    return x, y
