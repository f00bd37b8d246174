"""Charts as inline SVG: cost against quality, curves along a dial or a budget, the marks of a variant.

As in `benchmark.site.svg`, places along the axis are percentages and heights are pixels, so that a chart stretches with
its column while letters keep their size. Each has a label for those who cannot see it, and the numbers stand in a table
beside it. Names of plugins enter, always escaped.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

from benchmark.site.ranking import front
from benchmark.site.rows import Row
from benchmark.site.svg import HEIGHT, Axis
from benchmark.site.text import amount, fixed

TALL = 230
TOP, BOTTOM = 14, 30
"""Pixels above and below what is drawn."""
LABELS = 6
NAMED = 4
"""Curves of a chart that have a colour and a name; the others are grey, as no eye tells more apart."""


@dataclass(frozen=True)
class Curve:
    """One method along the steps of a chart; a step where it has no value is None. A `named` one has its label."""

    name: str
    values: Sequence[float | None]
    named: bool = False


def _y(value: float, axis: Axis) -> float:
    share = (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)
    return round(TALL - BOTTOM - share * (TALL - BOTTOM - TOP), 1)


def _levels(axis: Axis) -> str:
    """The lines of the two marks across the whole chart, with their names on the left."""
    return "".join(
        f'<line class="{name}" x1="0" x2="100%" y1="{_y(value, axis)}" y2="{_y(value, axis)}"/>'
        f'<text class="{name}" x="0" y="{_y(value, axis) - 4}">{label}</text>'
        for value, name, label in ((0.0, "blind", "0, chance or blind"), (1.0, "truth", "1, truth"))
    )


def _chart(content: str, label: str) -> Markup:
    # `content` holds numbers, fixed names and what `escape` made of plugins' names.
    return Markup('<svg class="chart" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        TALL, label, Markup(content)
    )


def cost_and_quality(rows: Sequence[Row], axis: Axis) -> Markup | None:
    """Skill against seconds, on a logarithmic axis; a line joins the methods that no other beats at both.

    None where fewer than two methods have a cost.
    """
    known = [row for row in rows if row["skill"] is not None and row["seconds"] is not None]
    if len(known) < 2:
        return None
    logs = {id(row): math.log10(max(float(row["seconds"]), 1e-4)) for row in known}
    low, high = math.floor(min(logs.values())), math.ceil(max(logs.values()))
    high = max(high, low + 1)

    def x(power: float) -> float:
        return round(8 + 84 * (power - low) / (high - low), 2)

    best = front(known)
    parts = [_levels(axis)]
    for power in range(low, high + 1):
        parts.append(
            f'<line class="tick" x1="{x(power)}%" x2="{x(power)}%" y1="{TALL - BOTTOM}" y2="{TALL - BOTTOM + 4}"/>'
            f'<text x="{x(power)}%" y="{TALL - 12}" text-anchor="middle">{_seconds(power)}</text>'
        )
    for one, other in pairwise(best):
        parts.append(_line("front", x(logs[id(one)]), one["skill"], x(logs[id(other)]), other["skill"], axis))
    for row in known:
        kind = "dot" if row["beats_blind"] is True else "dot hollow"
        parts.append(
            f'<circle class="{kind}" cx="{x(logs[id(row)])}%" cy="{_y(row["skill"], axis)}" r="4.5">'
            f"<title>{escape(row['method'])}: {fixed(row['skill'])}, {amount(row['seconds'])} s</title></circle>"
        )
    for at, row in enumerate(best[-LABELS:]):
        place = x(logs[id(row)])
        anchor = "start" if place < 20 else "end" if place > 80 else "middle"
        parts.append(
            f'<text class="name" x="{place}%" y="{_y(row["skill"], axis) + (-9 if at % 2 else 18)}" '
            f'text-anchor="{anchor}">{escape(row["method"])}</text>'
        )
    names = ", ".join(f"{row['method']} ({amount(row['seconds'])} s, skill {fixed(row['skill'])})" for row in best)
    return _chart(
        "".join(parts), f"Skill against seconds for one instance. No other is better and faster than: {names}"
    )


def curves(steps: Sequence[str], lines: Sequence[Curve], axis: Axis, what: str) -> Markup | None:
    """Skill of each method at each step; the `named` ones in colours, their names at the right. None without any."""
    drawn = [line for line in lines if sum(value is not None for value in line.values) > 1]
    if len(steps) < 2 or not drawn:
        return None
    places = [round(5 + 68 * at / (len(steps) - 1), 2) for at in range(len(steps))]
    parts = [_levels(axis)]
    for place, step in zip(places, steps, strict=True):
        parts.append(f'<text x="{place}%" y="{TALL - 12}" text-anchor="middle">{escape(step)}</text>')
    colours = {line.name: at % NAMED for at, line in enumerate(line for line in drawn if line.named)}
    for line in sorted(drawn, key=lambda line: line.named):
        kind = f"curve c{colours[line.name]}" if line.named else "curve"
        known = [(place, value) for place, value in zip(places, line.values, strict=True) if value is not None]
        pieces = [_line("", a, u, b, v, axis) for (a, u), (b, v) in pairwise(known)]
        dots = [f'<circle cx="{place}%" cy="{_y(value, axis)}" r="2.5"/>' for place, value in known]
        parts.append(f'<g class="{kind}"><title>{escape(line.name)}</title>{"".join(pieces + dots)}</g>')
    for line, y in _apart([line for line in drawn if line.named], axis):
        parts.append(f'<text class="name c{colours[line.name]}" x="75%" y="{y}">{escape(line.name)}</text>')
    return _chart("".join(parts), f"{what}: skill at {', '.join(steps)}. The table below has every number.")


def marks(share: float | None, dots: Iterable[float]) -> Markup:
    """The way from chance to the truth of one variant: where blind stands on it (`share`), and each method."""
    axis = Axis(-0.15, 1.1)
    lines = [(0.0, "chance"), (1.0, "truth")] + ([(share, "blind")] if share is not None and share > 0.005 else [])
    content = "".join(
        f'<line class="{name}" x1="{axis.at(at)}" x2="{axis.at(at)}" y1="0" y2="{HEIGHT}"/>' for at, name in lines
    )
    content += "".join(f'<circle class="dot small" cx="{axis.at(value)}" cy="10" r="3"/>' for value in dots)
    return Markup(f'<svg class="interval" width="100%" height="{HEIGHT}" aria-hidden="true">{content}</svg>')


def _apart(lines: Sequence[Curve], axis: Axis) -> list[tuple[Curve, float]]:
    """Each line with the height of its label, beside its last value and clear of the label above."""
    last = {line.name: next(value for value in reversed(line.values) if value is not None) for line in lines}
    placed: list[tuple[Curve, float]] = []
    for line in sorted(lines, key=lambda line: -last[line.name]):
        y = _y(last[line.name], axis) + 4
        placed.append((line, max(y, placed[-1][1] + 14) if placed else y))
    over = max(0.0, placed[-1][1] - (TALL - BOTTOM)) if placed else 0.0
    return [(line, round(y - over, 1)) for line, y in placed]


def _line(kind: str, x1: float, v1: float, x2: float, v2: float, axis: Axis) -> str:
    name = f'class="{kind}" ' if kind else ""
    return f'<line {name}x1="{x1}%" y1="{_y(v1, axis)}" x2="{x2}%" y2="{_y(v2, axis)}"/>'


def _seconds(power: int) -> str:
    return f"{10**power:g} s" if power >= 0 else f"{10.0 ** (power + 3):g} ms"
