"""Pictures of the probing family: the activations by concept, where methods place a concept beside where it is, and how
well they read each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmark.families.family import DATA, Case, Picture
from benchmark.families.panels import panels

METHODS = 8
"""Most rows of a picture."""
CONCEPTS, POINTS = 4, 400
"""Of the picture of the data, at most."""


def pictures(cases: Sequence[Case]) -> list[Picture]:
    """Of every task the data, and of each of its variants, of the first seed: accuracy on the concepts' grid, else
    energy by dimension."""

    def setting(case: Case) -> tuple[str, str]:
        return case.task, case.variant

    drawn: list[Picture] = []
    for task in sorted({case.task for case in cases}):
        known = [case for case in cases if case.task == task and case.method != "random"]
        if known:
            drawn.append(_data(task, min(known, key=lambda case: case.seed)))
    for (task, variant), group in groupby(sorted(cases, key=setting), setting):
        members = list(group)
        first = [case for case in members if case.seed == min(other.seed for other in members)]
        if first[0].truth.grid is not None:
            drawn.append(_grids(task, variant, first))
        elif first[0].truth.subspaces is not None:
            drawn.extend(_dimensions(task, variant, first))
    return drawn


def _data(task: str, case: Case) -> Picture:
    caption = (
        f"{task}, {case.variant}: {POINTS} test activations in the colours of the classes of some concepts, each "
        "seen along the directions in which it is planted (where that is not known, in which its classes differ most). "
        "A method sees classes of train activations, and has to find such directions."
    )
    return Picture(DATA, "The data, with what is planted", caption, partial(_draw_data, case), [case])


def _draw_data(case: Case) -> Figure:
    truth, question = case.truth, case.question
    real = truth.real
    concepts = [real[place] for place in np.linspace(0, len(real) - 1, min(CONCEPTS, len(real))).round().astype(int)]
    figure, axes = panels(1, len(concepts), panel=(2.3, 2.1), margins=(0.1, 0.1, 0.1, 0.35), gap=(0.15, 0.1))
    for axis, concept in zip(axes[0], concepts, strict=True):
        labels = truth.labels[:POINTS, concept].cpu().numpy()
        places = (question.test[:POINTS] @ _seen_along(case, concept).T).cpu().numpy()
        for label in np.unique(labels):
            chosen = places[labels == label]
            name = truth.class_names[label] if label < len(truth.class_names) else str(label)
            axis.scatter(chosen[:, 0], chosen[:, 1], s=5, color=f"C{label % 10}", label=name, linewidths=0)
        axis.set_title(truth.names[concept], fontsize=9)
        axis.legend(fontsize=6, loc="best", markerscale=1.5, framealpha=0.6)
        axis.set_xticks([])
        axis.set_yticks([])
    return figure


def _seen_along(case: Case, concept: int) -> Tensor:
    """Two directions [2, d]: of the planted subspace, then those in which the means of the classes differ most."""
    question, truth = case.question, case.truth
    labels = question.labels[:, concept]
    means = torch.stack([question.train[labels == label].mean(0) for label in labels.unique()])
    between = torch.linalg.svd(means - means.mean(0), full_matrices=False).Vh
    around = torch.linalg.svd(question.train - question.train.mean(0), full_matrices=False).Vh
    planted = between[:0] if truth.subspaces is None else truth.subspaces[concept]
    planted = planted[planted.norm(dim=1) > 0.5].to(between)
    chosen = torch.cat([planted, between[: len(means) - 1], around])
    directions: Tensor = torch.linalg.qr(chosen.T).Q.T
    return directions[:2]


def _grids(task: str, variant: str, cases: Sequence[Case]) -> Picture:
    truth = cases[0].truth
    readers = [case for case in cases if case.method not in ("oracle", "majority", "random")][:METHODS]
    among = f" ({', '.join(truth.class_names)})" if truth.class_names else ""
    caption = (
        f"Test accuracy with which each method reads the class{among} of every concept in {task}, {variant}, drawn "
        "where the concept lies, beside that of always naming the concept's commonest class. Brighter is better; one "
        "scale for all."
    )
    title = f"Reading every place: {task}, {variant}"
    draw = partial(_draw_grids, cases[0], readers)
    return Picture(f"{task}-{variant}-grid", title, caption, draw, readers or cases[:1])


def _draw_grids(any_case: Case, readers: Sequence[Case]) -> Figure:
    truth, question = any_case.truth, any_case.question
    commonest = question.labels.mode(0).values
    maps = {"commonest class": truth.grid.lay_out((commonest == truth.labels).float().mean(0))}
    for case in readers:
        right = (case.explanation.scores.argmax(2) == case.truth.labels).float().mean(0)
        maps[case.method] = case.truth.grid.lay_out(right)
    figure = Figure(figsize=(2.2 * len(maps) + 0.6, 2.7), layout="constrained")
    axes = figure.subplots(1, len(maps), squeeze=False)[0]
    lowest = float(np.nanmin(list(maps.values())))
    for axis, (name, values) in zip(axes, maps.items(), strict=True):
        image = axis.imshow(values, vmin=lowest, vmax=1.0, cmap="viridis")
        axis.set_title(f"{name}\nmean {np.nanmean(values):.3f}", fontsize=8)
        axis.set_xticks([])
        axis.set_yticks([])
    figure.colorbar(image, ax=list(axes), shrink=0.8, label="test accuracy")
    return figure


def _dimensions(task: str, variant: str, cases: Sequence[Case]) -> Iterator[Picture]:
    truth = cases[0].truth
    located = [
        case
        for case in cases
        if case.explanation.subspace is not None
        and bool(case.explanation.subspace.any())
        and case.method not in ("oracle", "random")
    ][:METHODS]
    concepts = sorted((c for c in truth.real if truth.subspaces[c].any()), key=lambda c: truth.names[c])
    if not located or not concepts:
        return
    caption = (
        f"Where each method places a concept in {task}, {variant}: the square root of the energy of its subspace along "
        "the planted directions of every concept (named below) and along the remaining directions. A perfect method "
        "repeats the first row."
    )
    title = f"Where a concept lies: {task}, {variant}"
    yield Picture(f"{task}-{variant}-dimensions", title, caption, partial(_draw_dimensions, located, concepts), located)


def _draw_dimensions(located: Sequence[Case], concepts: Sequence[int]) -> Figure:
    truth = located[0].truth
    frame, counts = _planted_frame(truth.subspaces[concepts])
    rows = [("planted", truth.subspaces), *((case.method, case.explanation.subspace) for case in located)]
    figure = Figure(figsize=(10, 0.42 * len(rows) * len(concepts) + 1.2), layout="constrained")
    axes = figure.subplots(len(concepts), 1, squeeze=False, sharex=True)[:, 0]
    edges = np.cumsum([0, *counts])
    for axis, concept in zip(axes, concepts, strict=True):
        energy = torch.stack([(subspace[concept] @ frame.T).square().sum(0) for _, subspace in rows]).cpu().numpy()
        image = axis.imshow(
            np.sqrt(energy.clip(0, 1)), aspect="auto", vmin=0, vmax=1, cmap="magma", interpolation="nearest"
        )
        axis.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=7)
        axis.set_title(f"concept: {truth.names[concept]}", fontsize=9, loc="left")
        for edge in edges[1:]:
            axis.axvline(edge - 0.5, color="white", linewidth=0.6)
    ticks = [(edges[i] + edges[i + 1] - 1) / 2 for i in range(len(concepts))]
    axes[-1].set_xticks(ticks, [f"{truth.names[c]}" for c in concepts], fontsize=8)
    axes[-1].set_xlabel("planted directions of each concept, then the rest of the space")
    figure.colorbar(image, ax=list(axes), shrink=0.6, label="square root of energy")
    return figure


def _planted_frame(subspaces: Tensor) -> tuple[Tensor, list[int]]:
    """An orthonormal basis of the whole space that begins with the planted directions, and how many each concept has.

    Coordinate axes where the planted directions are some; subspaces that overlap are made orthogonal one by one.
    """
    chosen = [rows[rows.norm(dim=1) > 0.5] for rows in subspaces]
    planted = torch.cat(chosen)
    width = planted.shape[1]
    along = (planted.abs() > 1e-4).any(0)
    if int(along.sum()) == len(planted):  # aligned with the axes: keep them apart and in order
        first = [torch.nonzero((rows.abs() > 1e-4).any(0))[:, 0] for rows in chosen]
        order = torch.cat([*first, torch.nonzero(~along)[:, 0]])
        return torch.eye(width).to(planted)[order], [len(rows) for rows in chosen]
    basis = torch.linalg.qr(torch.cat([planted, torch.eye(width).to(planted)]).T).Q.T
    return basis, [len(rows) for rows in chosen]
