"""Pictures of the dictionary family: the data, quality against L0, cosines with the plant, and atoms drawn where
features lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment

from benchmark.families.family import DATA, Case, Picture
from benchmark.families.panels import panels, scale_beside

ATOMS_SHOWN = 5
ROWS_SHOWN, FEATURES_SHOWN = 30, 64


def pictures(cases: Sequence[Case]) -> list[Picture]:
    """Of every task the data, the frontier over the variants that differ in sparsity alone, and the atoms of the middle
    one."""
    drawn: list[Picture] = []
    for task, group in groupby(sorted(cases, key=lambda case: case.task), lambda case: case.task):
        members = list(group)
        drawn.append(_data(task, min(members, key=lambda case: (case.seed, case.method != "oracle"))))
        sweep = _sweep(members)
        drawn.append(_frontier(task, sweep))
        sparsities = sorted({case.question.sparsity for case in sweep})
        middle = [case for case in sweep if case.question.sparsity == sparsities[len(sparsities) // 2]]
        seed = min(case.seed for case in middle)
        shown = [case for case in middle if case.seed == seed and case.method != "random"]
        if shown and shown[0].truth.directions is not None:
            drawn.append(_cosine_matrices(task, shown))
        if shown and shown[0].truth.grid is not None:
            drawn.append(_grids(task, shown))
    return drawn


def _data(task: str, case: Case) -> Picture:
    there = "; how alike their directions are (absolute cosine)" if case.truth.directions is not None else ""
    caption = (
        f"{task}, {case.variant}: activations of {ROWS_SHOWN} test rows, as a method gets them; which of the true "
        f"features are on in the same rows, and how strongly{there}. Of many features those that are on most often."
    )
    return Picture(DATA, "The data, with what is planted", caption, partial(_draw_data, case), [case])


def _draw_data(case: Case) -> Figure:
    truth = case.truth
    strengths = truth.test.float() if truth.test_codes is None else truth.test_codes
    often = truth.test.float().mean(0).argsort(descending=True, stable=True)[:FEATURES_SHOWN].sort().values
    activations = (case.question.test[:ROWS_SHOWN] - case.question.train.mean(0)).numpy()
    known = truth.directions is not None
    figure, axes = panels(1, 3 if known else 2, panel=(3.2, 2.6), margins=(0.4, 0.1, 0.45, 0.35), gap=(0.45, 0.1))
    most = float(np.abs(activations).max()) or 1.0
    axes[0, 0].imshow(activations, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", interpolation="nearest")
    axes[0, 0].set_title("activations (test rows)", fontsize=9)
    axes[0, 0].set_xlabel("dimension", fontsize=8)
    axes[0, 1].imshow(strengths[:ROWS_SHOWN, often].numpy(), cmap="Greys", aspect="auto", interpolation="nearest")
    axes[0, 1].set_title("true features on in them", fontsize=9)
    axes[0, 1].set_xlabel("feature", fontsize=8)
    if known:
        unit = torch.nn.functional.normalize(truth.directions[often], dim=1)
        axes[0, 2].imshow((unit @ unit.T).abs().numpy(), cmap="Greys", vmin=0, vmax=1, interpolation="nearest")
        axes[0, 2].set_title("their directions, |cosine|", fontsize=9)
        axes[0, 2].set_xlabel("feature", fontsize=8)
    for axis in axes.ravel():
        axis.tick_params(labelsize=7, length=2)
    return figure


def _sweep(cases: Sequence[Case]) -> list[Case]:
    """The cases of the largest group of variants that pose the same activations and the same size."""
    first = min(case.seed for case in cases)
    groups: dict[tuple[int, str], set[str]] = {}
    for case in cases:
        if case.seed == first:
            groups.setdefault((case.question.size, case.question.source or case.variant), set()).add(case.variant)
    chosen = max(groups.values(), key=len)
    return [case for case in cases if case.variant in chosen]


def _frontier(task: str, cases: Sequence[Case]) -> Picture:
    caption = (
        f"{task}: quality against sparsity, and against the variance explained, over the variants that differ in "
        "the asked sparsity alone; one curve a method, first seed."
    )
    return Picture("frontier", "Quality against sparsity", caption, partial(_draw_frontier, cases), cases)


def _draw_frontier(cases: Sequence[Case]) -> Figure:
    quality = next(name for name in cases[0].scores if all(name in case.scores for case in cases))
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    names = list(dict.fromkeys(case.method for case in cases))
    for number, name in enumerate(names):
        points: dict[int, list[tuple[float, float, float]]] = {}
        for case in cases:
            if case.method == name and {"l0", quality, "explained_variance"} <= case.scores.keys():
                row = (case.scores["l0"], case.scores[quality], case.scores["explained_variance"])
                points.setdefault(case.question.sparsity, []).append(row)
        if not points:
            continue
        curve = np.array([np.mean(points[asked], axis=0) for asked in sorted(points)])
        style = {"color": f"C{number % 10}", "marker": "os^Dv"[number // 10 % 5], "ms": 4, "lw": 1.3, "label": name}
        axes[0].plot(curve[:, 0], curve[:, 1], **style)
        axes[1].plot(curve[:, 2], curve[:, 1], **style)
    axes[0].set_xscale("log", base=2)
    axes[0].set_xlabel("active atoms a row (L0)")
    axes[1].set_xlabel("explained variance")
    axes[1].set_xlim(-0.1, 1.02)
    for axis in axes:
        axis.set_ylabel(quality.replace("_", " "))
        axis.set_ylim(-0.02, 1.05)
        axis.grid(alpha=0.3)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8, frameon=False)
    return figure


def _cosine_matrices(task: str, cases: Sequence[Case]) -> Picture:
    caption = (
        f"{task}: cosine of every true direction (rows) with every atom (columns), the atom "
        "assigned to a direction on the diagonal and the surplus atoms to the right. Perfect is a diagonal."
    )
    return Picture("cosines", "True directions beside atoms", caption, partial(_draw_cosine_matrices, cases), cases)


def _draw_cosine_matrices(cases: Sequence[Case]) -> Figure:
    columns = min(5, len(cases))
    rows = -(-len(cases) // columns)
    figure, axes = panels(rows, columns, panel=(2.1, 1.8), margins=(0.1, 0.9, 0.1, 0.5), gap=(0.15, 0.5))
    for axis, case in zip(axes.ravel(), cases, strict=False):
        image = axis.imshow(_matched(case), vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest", aspect="auto")
        measured = f"\nmcc {case.scores['mcc']:.2f}" if "mcc" in case.scores else ""  # not every task asks for it
        axis.set_title(case.method + measured, fontsize=8)
    _bare(axes.ravel())
    scale_beside(figure, axes, image, "cosine")
    return figure


def _matched(case: Case) -> Float[np.ndarray, "g m"]:
    """Cosines of true directions with atoms, columns in the order of assignment."""
    unit = torch.nn.functional.normalize
    cosines = (unit(case.truth.directions, dim=1) @ unit(case.explanation.atoms, dim=1).T).numpy()
    truths, atoms = linear_sum_assignment(np.abs(cosines), maximize=True)
    surplus = np.setdiff1d(np.arange(cosines.shape[1]), atoms)
    rows = np.concatenate([truths, np.setdiff1d(np.arange(len(cosines)), truths)])
    ordered: Float[np.ndarray, "g m"] = cosines[np.ix_(rows, np.concatenate([atoms, surplus]))]
    return ordered


def _grids(task: str, cases: Sequence[Case]) -> Picture:
    meaning = cases[0].truth.grid.meaning or "share of rows"
    caption = (
        f"{task}: the features where they lie while an atom fires, less what is usual there ({meaning}; orange is "
        f"below, purple above), for the {ATOMS_SHOWN} atoms of each method that detect a feature best (its F1 above "
        "each)."
    )
    return Picture("grid", "Atoms where the features lie", caption, partial(_draw_grids, cases, meaning), cases)


def _draw_grids(cases: Sequence[Case], meaning: str) -> Figure:
    figure, axes = panels(len(cases), ATOMS_SHOWN, panel=(1.2, 1.2), margins=(0.35, 0.9, 0.1, 0.3), gap=(0.12, 0.27))
    for row, case in zip(axes, cases, strict=True):
        for axis, (cells, title) in zip(row, _best_atoms(case), strict=False):
            image = axis.imshow(cells, vmin=-1, vmax=1, cmap="PuOr", interpolation="nearest")
            axis.set_title(title, fontsize=7)
        row[0].set_ylabel(case.method, fontsize=8)
    _bare(axes.ravel())
    scale_beside(figure, axes, image, f"{meaning}, against the usual")
    return figure


def _best_atoms(case: Case) -> list[tuple[Float[np.ndarray, "rows columns"], str]]:
    """Maps of the atoms that detect some feature best, each atom once, and their titles."""
    truth, codes = case.truth, case.explanation.test_codes
    labels = truth.test.float()
    firing = (codes > 0.2 * case.explanation.validation_codes.amax(0)).float()
    together = firing.T @ labels
    f1 = 2 * together / (firing.sum(0)[:, None] + labels.sum(0)).clamp(min=1)
    names = truth.names or tuple(f"feature {number}" for number in range(labels.shape[1]))
    shown = []
    best, feature = f1.max(1)
    for atom in best.argsort(descending=True)[:ATOMS_SHOWN].tolist():
        change = together[atom] / firing[:, atom].sum().clamp(min=1) - labels.mean(0)
        shown.append((truth.grid.lay_out(change), f"{names[int(feature[atom])]}: {float(best[atom]):.2f}"))
    return shown


def _bare(axes: Iterable[Axes]) -> None:
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_frame_on(axis.has_data())
