"""The picture of an evaluation: each variant a line from chance to the truth, and where everybody stands on it.

All values are in the primary metric, as shares of the way from floor to ceiling (`chance_skill`): on this scale the
blind mark has a place of its own, and a variant that is not ranked can be shown, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchmark.marks import skill

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from benchmark.notebook.result import Evaluation

OWN, BEST, BLIND, TRUTH, CHANCE = "#1d4ed8", "#6b7280", "#c2410c", "#009e73", "#9ca3af"
WIDTH, ROW, REST = 6.4, 0.42, 1.25
"""Inches."""
LEAST = -0.5
"""Values below this sit at the edge."""


def draw(found: Evaluation) -> Figure:
    """A line for each variant; a dot for each seed and a larger one for their mean, a diamond for the best other."""
    rows = found.primary
    variants = list(dict.fromkeys(rows[rows.method == found.name].sort_values("ranked", ascending=False).variant))
    figure = Figure(figsize=(WIDTH, ROW * len(variants) + REST), dpi=100, layout="constrained")
    axes = figure.subplots()
    for line, variant in enumerate(variants):
        _line(axes, -line, rows[rows.variant == variant], found)
    labels = [v if rows[rows.variant == v].ranked.any() else f"{v} (not ranked)" for v in variants]
    axes.set_yticks([-line for line in range(len(variants))], [label.replace("_", " ") for label in labels])
    axes.set_xticks([0.0, 1.0], ["chance", "planted truth"])
    axes.set_ylim(0.6 - len(variants), 0.6)
    axes.set_title(f"{rows.family.iloc[0]}/{rows.task.iloc[0]}: {rows.metric.iloc[0]}", fontsize=10, loc="left")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0, labelsize=9)
    handles, names = axes.get_legend_handles_labels()
    each = dict(zip(names, handles, strict=True))
    figure.legend(each.values(), each.keys(), loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def _line(axes: Axes, y: float, rows: pd.DataFrame, found: Evaluation) -> None:
    """One variant."""
    axes.plot([0, 1], [y, y], color=CHANCE, linewidth=0.8, zorder=0)
    for x, colour in ((0.0, CHANCE), (1.0, TRUTH)):
        axes.plot([x, x], [y - 0.25, y + 0.25], color=colour, linewidth=2)
    blind = float(np.nanmean(skill(rows.blind, rows.floor, rows.ceiling))) if rows.blind.notna().any() else np.nan
    if np.isfinite(blind):
        axes.plot([blind, blind], [y - 0.25, y + 0.25], color=BLIND, linewidth=2, label="blind")
    if found.best:
        best = rows[rows.method == found.best].chance_skill.mean()
        axes.plot(max(best, LEAST), y, "D", color=BEST, markersize=5, label=f"best: {found.best}")
    own = rows[rows.method == found.name].chance_skill.clip(lower=LEAST)
    axes.plot(own, np.full(len(own), y), "o", color=OWN, markersize=3, alpha=0.5)
    axes.plot(own.mean(), y, "o", color=OWN, markersize=8, label=found.name)
