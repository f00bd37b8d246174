"""Figures of equal panels at fixed places.

    figure, axes = panels(3, 8, panel=(1.4, 1.4), margins=(0.6, 0.9, 0.1, 0.4), gap=(0.1, 0.3))

With a hundred panels matplotlib's own layout takes several times as long as drawing them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure


def panels(
    rows: int,
    columns: int,
    *,
    panel: tuple[float, float],
    margins: tuple[float, float, float, float],
    gap: tuple[float, float],
    dpi: float = 100,
    **settings: Any,
) -> tuple[Figure, np.ndarray]:
    """A figure and its axes, (rows, columns). In inches: width and height of a `panel`; `margins` left, right, below
    and above; `gap` between columns and between rows. `settings` go to `Figure.subplots`."""
    left, right, below, above = margins
    width = left + columns * panel[0] + (columns - 1) * gap[0] + right
    height = below + rows * panel[1] + (rows - 1) * gap[1] + above
    figure = Figure(figsize=(width, height), dpi=dpi)
    places = {"left": left / width, "right": 1 - right / width, "bottom": below / height, "top": 1 - above / height}
    between = {"wspace": gap[0] / panel[0], "hspace": gap[1] / panel[1]}
    axes = figure.subplots(rows, columns, squeeze=False, gridspec_kw=places | between, **settings)
    return figure, axes


def scale_beside(figure: Figure, axes: np.ndarray, shown: ScalarMappable, label: str) -> None:
    """A colour bar in the right margin, as high as two inches or the panels, whichever is less."""
    first: Axes = axes[0, -1]
    last: Axes = axes[-1, -1]
    top, bottom, right = first.get_position().y1, last.get_position().y0, first.get_position().x1
    width, height = figure.get_size_inches()
    tall = min(2.0 / height, top - bottom)
    place = (right + 0.15 / width, (top + bottom - tall) / 2, 0.12 / width, tall)
    figure.colorbar(shown, cax=figure.add_axes(place), label=label)
