"""What the page shows of descriptions: the program's curve over the true one, the exception shaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.families.description import predictions
from benchmark.families.family import Case, Picture

SHOWN = 3
"""Functions per picture."""
TRUE, SAID, EXCEPTION = "#8a8f98", "#c2410c", "#fde68a"
HIDDEN = ("random",)


def pictures(cases: Sequence[Case]) -> list[Picture]:
    """One picture per variant: a row per function, a column per method."""
    variants = list(dict.fromkeys((case.task, case.variant) for case in cases))
    return [_picture([c for c in cases if (c.task, c.variant) == key and c.method not in HIDDEN]) for key in variants]


def _picture(cases: Sequence[Case]) -> Picture:
    first = cases[0]
    rows = min(SHOWN, len(first.truth.programs))
    caption = (
        f"{rows} functions of the variant {first.variant} (seed {first.seed}): what each method's program says, over "
        "what the box answers without noise. Yellow: where the function departs from its rule. A panel marked 'no "
        "program' got none that is finite on the whole domain."
    )
    title = f"Described over true: {first.variant}"
    return Picture(f"functions-{first.variant}", title, caption, partial(_draw, cases, rows), cases)


def _draw(cases: Sequence[Case], rows: int) -> Figure:
    figure = Figure(figsize=(2.3 * len(cases), 1.75 * rows + 0.9), dpi=110, layout="constrained")
    axes = figure.subplots(rows, len(cases), squeeze=False)
    for column, case in enumerate(cases):
        said = predictions(case.explanation, case.truth)
        for row in range(rows):
            _panel(axes[row, column], case.truth, row, said[row])
        success = case.scores.get("program_success", float("nan"))
        axes[0, column].set_title(f"{case.method.replace('_', ' ')}\n{success:.0%} of all predicted", fontsize=8)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _panel(axis: Axes, truth: Any, index: int, said: Any) -> None:
    x, y = truth.inputs(index), truth.outputs[index]
    interval = truth.intervals[index]
    axis.plot(x, y, color=TRUE, linewidth=3.0, label="true", solid_capstyle="round")
    if np.isfinite(said).all():
        axis.plot(x, said, color=SAID, linewidth=1.2, label="described")
    else:
        axis.text(0.5, 0.5, "no program", transform=axis.transAxes, ha="center", fontsize=8, color=SAID)
    if interval is not None:
        axis.axvspan(*interval, color=EXCEPTION, alpha=0.6, linewidth=0, zorder=0, label="exception")
    margin = 0.25 * max(float(y.max() - y.min()), 0.2 * float(np.abs(y).max()), 1e-9)
    axis.set_ylim(float(y.min()) - margin, float(y.max()) + margin)
    axis.tick_params(labelsize=6, length=2)
    axis.spines[["top", "right"]].set_visible(False)
