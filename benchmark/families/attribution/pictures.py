"""What the page shows of attributions: the inputs with the planted truth outlined, beside what each method marked.

Colours: red speaks for the target, blue against it, white says nothing; each map has its own scale, symmetric around 0,
up to the 99th percentile of its magnitudes. Figures are assembled as one array of pixels, an order of magnitude faster
than one set of axes a map, in few colours, so that a page of many maps stays small.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Shaped
from matplotlib import colormaps
from matplotlib.figure import Figure
from torch import Tensor

from benchmark.families.family import Case, Picture

EXAMPLES = 2
"""Inputs shown for each method, the same for all."""
OVERVIEW_VARIANTS = 3
WIDE = 1200
"""About so many pixels an overview is wide; the methods that do not fit follow below."""
LEVELS = 4
"""Shades on either side of white."""
TRUTH = np.array([0.0, 0.62, 0.45])
DPI = 100
GAP, MARGIN, HEAD, TILE = 5, 8, 20, 56
"""Pixels between maps, around all, for a line of text, and the least height of a map."""
FIRST = ("oracle", "random", "inverted")

Pixels = Float[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class Label:
    """A text at a place of the canvas, in pixels from the upper left."""

    x: float
    y: float
    text: str
    size: float = 7.0
    bold: bool = False


def pictures(cases: Sequence[Case]) -> list[Picture]:
    """One picture of all methods side by side, and one for each method."""
    if not cases:
        return []
    columns: dict[tuple[str, str], dict[str, Case]] = {}
    for case in sorted(cases, key=lambda case: case.seed):
        columns.setdefault((case.task, case.variant), {}).setdefault(case.method, case)
    several = len({task for task, _ in columns}) > 1
    shown = {f"{task} {variant}" if several else variant: methods for (task, variant), methods in columns.items()}
    names = list(dict.fromkeys(name for methods in shown.values() for name in methods))
    methods = [name for name in FIRST if name in names] + sorted(set(names) - set(FIRST))
    return [_overview(shown, methods), *(_method(shown, name) for name in methods)]


def _method(shown: Mapping[str, Mapping[str, Case]], method: str) -> Picture:
    """The first inputs of each variant with the truth outlined, and beside each what `method` marked."""
    present = {variant: cases[method] for variant, cases in shown.items() if method in cases}
    caption = (
        "For each variant the input with the planted truth outlined, and what the method marked: red speaks for the"
        " target, blue against it; beside it the groups, a colour each, of a method that returns groups. The number is"
        " the method's score on all inputs."
    )
    return Picture(method, method.replace("_", " "), caption, partial(_draw_method, present), list(present.values()))


def _overview(shown: Mapping[str, Mapping[str, Case]], methods: Sequence[str]) -> Picture:
    """All methods on the first input of the first variants: a row a variant, a column a method."""
    caption = (
        "One input of each variant and what every method marked: red speaks for the target, blue against it. Below each"
        " map the method's score on all inputs."
    )
    return Picture("overview", "All methods on one input", caption, partial(_draw_overview, shown, methods))


def _draw_method(present: Mapping[str, Case]) -> Figure:
    tiles: list[tuple[float, float, Pixels]] = []
    labels: list[Label] = []
    x = float(MARGIN)
    for variant, case in present.items():
        y = float(MARGIN + 2 * HEAD)
        width = 0
        for index in range(min(EXAMPLES, len(case.question.inputs))):
            beside = [_input(case, index), _map(case, index)]
            if case.explanation.groups is not None:
                beside.append(_groups(case, index))
            width = 0
            for tile in beside:
                tiles.append((x + width, y, tile))
                width += tile.shape[1] + 1
            y += beside[0].shape[0] + GAP
        labels.append(Label(x, MARGIN, _fit(variant, width), bold=True))
        labels.append(Label(x, MARGIN + HEAD, _score(case)))
        x += max(width, 62) + 2 * GAP
    return _figure(tiles, labels)


def _draw_overview(shown: Mapping[str, Mapping[str, Case]], methods: Sequence[str]) -> Figure:
    tiles: list[tuple[float, float, Pixels]] = []
    labels: list[Label] = []
    variants = list(shown.items())[:OVERVIEW_VARIANTS]
    inputs = {variant: _input(next(iter(cases.values())), 0) for variant, cases in variants}
    step = max(44, *(picture.shape[1] for picture in inputs.values())) + GAP
    beside = max(1, (WIDE - MARGIN - 62) // step - 1)
    y = float(MARGIN)
    for part in (methods[at : at + beside] for at in range(0, len(methods), beside)):
        for column, name in enumerate(("input", *part)):
            labels.append(Label(MARGIN + 62 + column * step, y, name.replace("_", "\n"), size=6))
        y += 3 * HEAD
        for variant, cases in variants:
            picture, x = inputs[variant], float(MARGIN + 62)
            labels.append(Label(MARGIN, y, variant.replace("_", "\n"), bold=True))
            tiles.append((x, y, picture))
            for method in part:
                x += step
                if method in cases:
                    tiles.append((x, y, _map(cases[method], 0)))
                    labels.append(Label(x, y + picture.shape[0] + 1, _score(cases[method]), size=6))
                else:
                    labels.append(Label(x, y, "none", size=6))
            y += picture.shape[0] + HEAD
        y += HEAD
    return _figure(tiles, labels)


def _figure(tiles: Sequence[tuple[float, float, Pixels]], labels: Sequence[Label]) -> Figure:
    """Lay tiles and texts on a white canvas, pixel for pixel."""
    width = int(max([x + tile.shape[1] for x, _, tile in tiles] + [label.x + 62 for label in labels], default=62))
    height = int(max([y + tile.shape[0] for _, y, tile in tiles] + [label.y + HEAD for label in labels], default=62))
    canvas = np.ones((height + MARGIN, width + MARGIN, 3))
    for x, y, tile in tiles:
        canvas[int(y) : int(y) + tile.shape[0], int(x) : int(x) + tile.shape[1]] = tile
    figure = Figure(figsize=(canvas.shape[1] / DPI, canvas.shape[0] / DPI), dpi=DPI)
    figure.figimage(canvas, origin="upper")
    for label in labels:
        figure.text(
            label.x / canvas.shape[1],
            1 - label.y / canvas.shape[0],
            label.text,
            fontsize=label.size,
            fontweight="bold" if label.bold else "normal",
            va="top",
            linespacing=1.05,
        )
    return figure


def _input(case: Case, index: int) -> Pixels:
    """One input in grey, with the border of the primary truth drawn on it."""
    plane = _plane(case.question.inputs[index], average=True)
    low, high = float(plane.min()), float(plane.max())
    grey = np.round((plane - low) / (high - low if high > low else 1) * 15) / 15
    pixels = _enlarge(np.repeat(grey[..., None], 3, axis=2))
    truth = _of_all_channels(case.truth.masks[""][index].float(), case, index)
    mask = _enlarge(_plane(truth, average=True) > 0.5)
    inside = np.pad(mask, 2)
    core = inside[2:-2, 2:-2]
    for down, right in ((-2, 0), (2, 0), (0, -2), (0, 2)):
        core = core & np.roll(inside, (down, right), (0, 1))[2:-2, 2:-2]
    pixels[mask & ~core] = TRUTH
    return pixels


def _map(case: Case, index: int) -> Pixels:
    """One attribution in red and blue, on its own scale."""
    plane = _plane(_of_all_channels(case.explanation.attributions[index], case, index), average=False)
    scale = float(np.quantile(np.abs(plane), 0.99)) or float(np.abs(plane).max()) or 1.0
    steps = np.round(np.clip(plane / scale, -1, 1) * LEVELS) / LEVELS
    return _frame(_enlarge(np.asarray(colormaps["RdBu_r"]((steps + 1) / 2))[..., :3]))


def _groups(case: Case, index: int) -> Pixels:
    """Which entries a method holds together: a colour for each group, white for those in none."""
    found = _of_all_channels(case.explanation.groups[index].float(), case, index)
    while found.dim() > 2:
        found = found[0]
    numbers = np.atleast_2d(found.cpu().numpy()).astype(int)
    colours = np.asarray(colormaps["tab20"](numbers % 20))[..., :3]
    return _frame(_enlarge(np.where((numbers < 0)[..., None], 1.0, colours)))


def _of_all_channels(values: Tensor, case: Case, index: int) -> Tensor:
    """What is told of pixels or places, at each of their channels: a sequence is shown with a row for each token."""
    return values.expand(case.question.inputs[index].shape)


def _plane(values: Tensor, *, average: bool) -> Float[np.ndarray, "height width"]:
    """Any array as a picture: channels averaged (inputs) or summed (attributions), a vector as a row of cells."""
    array = values.detach().cpu().double().numpy()
    while array.ndim > 2:
        array = array.mean(0) if average else array.sum(0)
    return np.atleast_2d(array)


def _enlarge(pixels: Shaped[np.ndarray, "height width ..."]) -> Shaped[np.ndarray, "larger wider ..."]:
    """Repeat pixels by a whole factor until the map can be seen."""
    tall = max(1, round(2 * TILE / max(pixels.shape[0], 28)))
    wide = tall if pixels.shape[0] > 1 else max(1, 2 * TILE // pixels.shape[1])
    if pixels.shape[0] == 1:
        tall = 12
    return pixels.repeat(tall, axis=0).repeat(wide, axis=1)


def _frame(pixels: Pixels) -> Pixels:
    """A thin grey border, since white is a value."""
    framed = pixels.copy()
    framed[[0, -1]] = framed[:, [0, -1]] = 0.75
    return framed


def _score(case: Case) -> str:
    """The method's first score, as a number; a dash where it has none."""
    value = next(iter(case.scores.values()), None)
    return "" if value is None else f"{value:.2f}" if np.isfinite(value) else "–"


def _fit(text: str, width: float) -> str:
    """A name in two lines, if it is too long for its column."""
    return text.replace("_", "\n", 1) if len(text) * 6 > width else text
