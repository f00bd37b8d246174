"""Small pictures as inline SVG: no library, no script, coloured by the page's style sheet.

Positions along the axis are percentages, so that a picture stretches with its column while strokes and letters keep
their size. The numbers always stand beside it as text; the pictures are therefore hidden from screen readers, except
for those with a label. An interval, of which a page has hundreds, is a few paths in a box that is 100 wide: a page is
ready the sooner the fewer elements it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from benchmark.site.text import is_missing

HEIGHT = 20
SIZED = f'width="100%" height="{HEIGHT}"'
STRETCHED = f'viewBox="0 0 100 {HEIGHT}" preserveAspectRatio="none"'


@dataclass(frozen=True)
class Axis:
    """A horizontal axis from `low` to `high`. `marks` are values with a line of their own: value, CSS class, label."""

    low: float
    high: float
    marks: Sequence[tuple[float, str, str]] = ()

    def place(self, value: float) -> str:
        """Where `value` lies in a hundred parts of the width; values outside sit at the edge."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return f"{100 * share:.4g}"

    def at(self, value: float) -> str:
        """The same as a percentage."""
        return f"{self.place(value)}%"


def skill_axis(values: Iterable[Any], *, least: float = -0.5, most: float = 1.25) -> Axis:
    """The axis of skill that all tables share.

    It holds 0 (the higher of chance and blind), 1 (the planted truth) and `values`, but does not go beyond `least` and
    `most` for their sake.
    """
    known = [float(value) for value in values if not is_missing(value)]
    low, high = min([0.0, *known]), max([1.0, *known])
    pad = 0.06 * (min(high, most) - max(low, least))
    marks = ((0.0, "blind", "chance or blind"), (1.0, "truth", "truth"))
    return Axis(max(low, least) - pad, min(high, most) + pad, marks)


def marked(axis: Axis, chance: float) -> Axis:
    """The axis with its marks: chance, blind and truth; chance and blind are one where no control beats chance."""
    truth = (1.0, "truth", "truth")
    if chance > -0.02:
        return Axis(axis.low, axis.high, ((0.0, "chance", "chance"), truth))
    return Axis(axis.low, axis.high, ((chance, "chance", "chance"), (0.0, "blind", "blind"), truth))


def effect_axis(values: Iterable[Any]) -> Axis:
    """An axis for differences of two scores: symmetric about zero, wide enough for `values`."""
    reach = 1.1 * max([0.1, *(abs(float(value)) for value in values if not is_missing(value))])
    return Axis(-reach, reach, ((0.0, "chance", "0"),))


def interval(
    axis: Axis, value: Any, low: Any, high: Any, *, hollow: bool = False, margins: Iterable[Any] = ()
) -> Markup:
    """A dot at `value` with its interval as a bar.

    A `hollow` dot could be blind. What leaves the axis is drawn as an arrow at its edge. `margins` add dotted lines.
    Without a value only the axis is drawn.
    """
    parts = [_marks(axis)] if axis.marks else []
    if lines := "".join(_upright(axis, float(margin)) for margin in margins if not is_missing(margin)):
        parts.append(_path("margin", lines))
    if not is_missing(value):
        left = float(value) if is_missing(low) else float(low)
        right = float(value) if is_missing(high) else float(high)
        if right > left:
            parts.append(_path("bar", f"M{axis.place(left)} 10H{axis.place(right)}"))
        if left < axis.low:
            parts.append(_path("arrow", "M1.6 5 0 10l1.6 5"))
        if right > axis.high:
            parts.append(_path("arrow", "m98.4 5 1.6 5-1.6 5"))
        if axis.low <= float(value) <= axis.high:
            # A line of no length with round ends is a dot that does not stretch.
            dot = f"M{axis.place(float(value))} 10h0"
            parts += [_path("dot", dot), *([_path("hollow", dot)] if hollow else [])]
    return _svg("".join(parts), size=STRETCHED)


def scale(axis: Axis) -> Markup:
    """The head of a column of intervals: where chance, blind and the planted truth lie."""
    three = len(axis.marks) > 2
    anchors = {"chance": "end", "blind": "start"} if three else {}
    labels = "".join(
        f'<text class="{name}" x="{axis.at(value)}" y="13" text-anchor="{anchors.get(name, "middle")}">{label}</text>'
        for value, name, label in axis.marks
        if axis.low <= value <= axis.high
    )
    return _svg(labels, kind="scale")


def strip(axis: Axis, rows: Sequence[dict[str, Any]]) -> Markup:
    """All methods of a family as dots on the axis of skill: filled where they beat blind, else hollow."""
    dots = "".join(
        f'<circle class="{"dot" if row["beats_blind"] is True else "dot hollow"}" cx="{axis.at(float(row["skill"]))}" '
        'cy="10" r="4.5"/>'
        for row in sorted(rows, key=lambda row: row["beats_blind"] is True)
        if not is_missing(row["skill"])
    )
    base = '<line class="base" x1="0" x2="100%" y1="10" y2="10"/>'
    return _svg(base + "".join(_line(axis, at, name) for at, name, _ in axis.marks) + dots, kind="strip")


def legend() -> Markup:
    """How to read a row: an invented example on an axis with its two marks and their names."""
    axis = Axis(-0.3, 1.4, ((0.0, "chance", ""), (1.0, "truth", "")))
    lines = "".join(
        f'<line class="{name}" x1="{axis.at(at)}" x2="{axis.at(at)}" y1="20" y2="72"/>' for at, name, _ in axis.marks
    )
    example = (
        f'<line class="bar" x1="{axis.at(0.55)}" x2="{axis.at(0.8)}" y1="38" y2="38"/>'
        f'<circle class="dot" cx="{axis.at(0.68)}" cy="38" r="5"/>'
        f'<line class="bar" x1="{axis.at(-0.1)}" x2="{axis.at(0.14)}" y1="60" y2="60"/>'
        f'<circle class="dot hollow" cx="{axis.at(0.03)}" cy="60" r="5"/>'
    )
    names = (
        f'<text class="blind" x="{axis.at(0)}" y="13" text-anchor="middle">0 = chance or blind</text>'
        f'<text class="truth" x="{axis.at(1)}" y="13" text-anchor="middle">1 = planted truth</text>'
        f'<text x="{axis.at(0.52)}" y="42" text-anchor="end">finds part of it</text>'
        f'<text x="{axis.at(0.17)}" y="64">may not look</text>'
    )
    return Markup(
        '<svg class="legend" width="100%" height="78" role="img" '
        'aria-label="An axis of skill: 0 is the higher of chance and blind, 1 is the planted truth. '
        "A filled dot with a bar beats that; a hollow dot, whose bar reaches 0, may not look at the model. "
        "Invented example."
        f'">{lines}{example}{names}</svg>'
    )


def _marks(axis: Axis) -> str:
    """The lines of all marks; where truth is among them, it is last and has its own colour at the gradient's end."""
    names = [name for _, name, _ in axis.marks]
    lines = [
        f"M{axis.place(at)} 0v2m0 2v2m0 2v2m0 2v2m0 2v2" if name == "chance" and len(names) != 2 else _upright(axis, at)
        for at, name, _ in axis.marks
    ]
    how = 'stroke="url(#marks)"' if "truth" in names else 'class="mark"'
    return f'<path {how} d="{"".join(lines)}"/>'


def _upright(axis: Axis, value: float) -> str:
    return f"M{axis.place(value)} 0v{HEIGHT}"


def _path(name: str, line: str) -> str:
    return f'<path class="{name}" d="{line}"/>'


def _line(axis: Axis, value: float, name: str) -> str:
    at = axis.at(value)
    return f'<line class="{name}" x1="{at}" x2="{at}" y1="0" y2="{HEIGHT}"/>'


def _svg(content: str, kind: str = "interval", size: str = SIZED) -> Markup:
    # Every piece of `content` is made above from numbers and fixed names; no text of a plugin enters.
    return Markup(f'<svg class="{kind}" {size} aria-hidden="true">{content}</svg>')
