"""What the page shows of descriptions: over real numbers the program's curve over the true one, the exception shaded;
over texts, tokens and images some held-out points, what the box answers there and what the program says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.families.description import DescriptionTruth
from benchmark.families.description.languages import Answers
from benchmark.families.family import DATA, Case, Picture
from benchmark.families.panels import panels

SHOWN = 3
"""Functions per picture."""
TRUE, SAID, EXCEPTION, BEYOND = "#8a8f98", "#c2410c", "#fde68a", "#f3f4f6"
HIDDEN = ("random",)
VARIANTS = 6
"""At most so many in the picture of the data."""
LINES, WIDTH = 8, 18
"""Of a list of points: lines, and letters of a point or an answer."""


def pictures(cases: Sequence[Case]) -> list[Picture]:
    """The functions of each task, and one picture per variant: a row per function, a column per method."""
    shown = [case for case in cases if case.method not in HIDDEN]
    variants = list(dict.fromkeys((case.task, case.variant) for case in shown))
    firsts = [next(case for case in shown if (case.task, case.variant) == key) for key in variants]
    tasks = dict.fromkeys(case.task for case in shown)
    drawn = [_data(task, [case for case in firsts if case.task == task]) for task in tasks]
    return drawn + [_picture([case for case in shown if (case.task, case.variant) == key]) for key in variants]


def _data(task: str, cases: Sequence[Case]) -> Picture:
    caption = (
        f"{task}: some of the functions in the black boxes, a row a variant, as they answer without noise. Grey: "
        "beyond the domain of the questions, where the rule goes on. Yellow: where a function departs from its rule."
    )
    draw = partial(_draw_data, cases[:VARIANTS])
    return Picture(DATA, "The functions that are to be described", caption, draw, cases)


def _draw_data(cases: Sequence[Case]) -> Figure:
    figure, axes = panels(len(cases), SHOWN, panel=(2.2, 1.4), margins=(0.45, 0.1, 0.25, 0.35), gap=(0.35, 0.45))
    for row, case in zip(axes, cases, strict=True):
        for axis in row[len(case.truth.programs) :]:
            axis.set_axis_off()
        for number, axis in enumerate(row[: len(case.truth.programs)]):
            _panel(axis, case.truth, number, None)
        row[0].set_title(case.variant.replace("_", " "), fontsize=9, loc="left")
    return figure


def _picture(cases: Sequence[Case]) -> Picture:
    first = cases[0]
    rows = min(SHOWN, len(first.truth.programs))
    caption = (
        f"{rows} functions of the variant {first.variant} (seed {first.seed}): what each method's program says, over "
        "what the box answers without noise. Grey: beyond the domain of the questions, where the rule goes on. Yellow: "
        "where the function departs from its rule. A panel marked 'no program' got none that is finite everywhere."
    )
    title = f"Described over true: {first.variant}"
    return Picture(f"functions-{first.variant}", title, caption, partial(_draw, cases, rows), cases)


def _draw(cases: Sequence[Case], rows: int) -> Figure:
    figure, axes = panels(
        rows,
        len(cases),
        panel=(1.95, 1.5),
        margins=(0.45, 0.1, 0.55, 0.5),
        gap=(0.15, 0.25),
        sharex="row",
        sharey="row",
    )
    for column, case in enumerate(cases):
        programs = case.explanation.programs.split("\n")
        for row in range(rows):
            _panel(axes[row, column], case.truth, row, programs[row])
        axes[0, column].set_title(f"{case.method.replace('_', ' ')}\n{_success(case)}", fontsize=8)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _success(case: Case) -> str:
    if "function_recovery" in case.scores:
        return f"{case.scores['function_recovery']:.0%} of all recovered"
    return f"{case.scores.get('program_success', float('nan')):.0%} of all predicted"


def _panel(axis: Axes, domain: DescriptionTruth, index: int, program: str | None) -> None:
    """A function and what a program says of it; the function alone where there is none."""
    truth = domain.extension or domain
    said = None if program is None else truth.answers(index, program)
    if (
        said is None and program is not None and truth is not domain
    ):  # at least what it says where questions were allowed
        truth, said = domain, domain.answers(index, program)
    if said is None and program is not None:
        axis.text(0.5, 0.5, "no program", transform=axis.transAxes, ha="center", fontsize=8, color=SAID)
    if truth.numeric and truth.points[index].dtype.kind == "f" and truth.points[index].ndim == 1:
        _curve(axis, truth, index, said)
        if truth is not domain:
            within = domain.points[index]
            for low, high in ((truth.points[index].min(), within.min()), (within.max(), truth.points[index].max())):
                axis.axvspan(low, high, color=BEYOND, linewidth=0, zorder=0)
    elif said is not None or program is None:
        _listing(axis, truth, index, truth.outputs[index] if said is None else said)
    axis.tick_params(labelsize=6, length=2)
    axis.locator_params(nbins=3)
    axis.spines[["top", "right"]].set_visible(False)


def _curve(axis: Axes, truth: DescriptionTruth, index: int, said: Answers | None) -> None:
    x, y, exception = truth.points[index], truth.outputs[index], truth.departs[index]
    axis.plot(x, y, color=TRUE, linewidth=3.0, label="true", solid_capstyle="round")
    if said is not None:
        axis.plot(x, said, color=SAID, linewidth=1.2, label="described")
    if exception.any():
        edges = x[exception].min(), x[exception].max()
        axis.axvspan(*edges, color=EXCEPTION, alpha=0.6, linewidth=0, zorder=0, label="exception")
    margin = 0.25 * max(float(y.max() - y.min()), 0.2 * float(np.abs(y).max()), 1e-9)
    axis.set_ylim(float(y.min()) - margin, float(y.max()) + margin)


def _listing(axis: Axes, truth: DescriptionTruth, index: int, said: Answers) -> None:
    """Points of both kinds, if there are both: `point: true`, and in another colour what was said instead."""
    axis.set_axis_off()
    true, departs = truth.outputs[index], truth.departs[index]
    places = [*np.flatnonzero(departs)[: LINES // 2], *np.flatnonzero(~departs)]
    for line, place in enumerate(places[:LINES]):
        right = said[place] == true[place]
        point = np.ravel(truth.points[index][place]).tolist()
        shown = f"{_short(point[0] if len(point) == 1 else point)}: {_short(true[place])}"
        text = shown if right else f"{shown}, not {_short(said[place])}"
        height = 1 - (line + 0.5) / LINES
        axis.text(0.0, height, text, transform=axis.transAxes, fontsize=6, color="black" if right else SAID)


def _short(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value) or "(empty)"
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
