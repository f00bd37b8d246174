"""Numbers, ranks and sources as a reader sees them, the same in HTML and in Markdown.

Every function takes a value of a table and returns plain text; a missing value (None, NaN) becomes `MISSING`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

MISSING = "–"

SOURCE = re.compile(
    r"arxiv:\s?(?P<arxiv>\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[a-z]{2})?/\d{7})"
    r"|(?:doi:\s?)?(?P<doi>10\.\d{4,9}/[^\s;,<>\"']+)"
    r"|(?P<url>https?://[^\s;,<>\"']+)",
    re.IGNORECASE,
)
MARKDOWN_SIGNS = re.compile(r"([\\`*_\[\]<>|~#&])")


def is_missing(value: Any) -> bool:
    """Whether a table holds nothing here: None, NaN, or pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def fixed(value: Any, digits: int = 2) -> str:
    """A number with a fixed count of decimals, never a negative zero: `-0.001` is `0.00`."""
    if is_missing(value):
        return MISSING
    number = float(value)
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    return f"{round(number, digits) + 0.0:.{digits}f}"


def amount(value: Any) -> str:
    """A number of unknown size in few digits: `0.034`, `7.250`, `31.2`, `312`, `1,830`, `12.3k`, `4.56M`, `2.0e-05`."""
    if is_missing(value):
        return MISSING
    number = float(value)
    size = abs(number)
    if math.isinf(number):
        return fixed(number)
    if number.is_integer() and size < 10_000:
        return f"{int(number):,}"
    if 0 < size < 0.0005:
        return f"{number:.1e}"
    for limit, digits in ((10.0, 3), (100.0, 1), (1000.0, 0)):
        if size < limit:
            return f"{number:.{digits}f}"
    if size < 10_000:
        return f"{number:,.0f}"
    for unit, name in ((1e9, "G"), (1e6, "M")):
        if size >= unit:
            return f"{number / unit:.3g}{name}" if size < 1000 * unit else f"{number / unit:,.0f}{name}"
    return f"{number / 1e3:.3g}k" if size < 999_500 else f"{number / 1e6:.3g}M"


def score(value: Any) -> str:
    """A metric's value: as `amount`, but whole numbers up to one keep their decimals (`1.000` under `0.812`)."""
    if not is_missing(value) and abs(float(value)) <= 1 and float(value).is_integer():
        return fixed(value, 3)
    return amount(value)


def spread(mean: Any, value: Any) -> str:
    """The spread beside a mean that `score` shows, with the decimals of that mean."""
    if is_missing(mean) or is_missing(value):
        return MISSING
    return fixed(value, 3) if float(mean) == 0 or 0.0005 <= abs(float(mean)) < 10 else amount(value)


def probability(value: Any) -> str:
    """A p value: three decimals, or `< 0.001`."""
    if is_missing(value):
        return MISSING
    return "< 0.001" if float(value) < 0.001 else f"{float(value):.3f}"


def count(value: Any) -> str:
    """A whole number."""
    return MISSING if is_missing(value) else f"{round(float(value)):,}"


def span(low: Any, high: Any) -> str:
    """A rank interval: `1–3`, or `2` where both ends agree."""
    if is_missing(low) or is_missing(high):
        return MISSING
    return count(low) if round(float(low)) == round(float(high)) else f"{count(low)}–{count(high)}"


def interval(low: Any, high: Any, digits: int = 2) -> str:
    """A confidence interval: `[0.70, 0.81]`."""
    if is_missing(low) or is_missing(high):
        return MISSING
    return f"[{fixed(low, digits)}, {fixed(high, digits)}]"


def extent(values: Iterable[Any]) -> str:
    """The one score that all `values` share, or their least and greatest: `0.10 to 0.12`."""
    known = sorted({float(value) for value in values if not is_missing(value)})
    if not known:
        return MISSING
    low, high = score(known[0]), score(known[-1])
    return low if low == high else f"{low} to {high}"


def seeds(values: Iterable[Any]) -> str:
    """A set of seeds: `0–4, 7`."""
    numbers = sorted({int(value) for value in values if not is_missing(value)})
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(span(low, high) for low, high in runs) or MISSING


def expected(expect: Any, margin: Any) -> str:
    """On which side of its margin a claim's effect should lie: `> 0.25`, `< 0.25`, `within ±0.25`."""
    if is_missing(margin):
        return MISSING
    sign = {"above": "> ", "below": "< ", "within": "within ±"}.get(str(expect), "")
    return sign + fixed(margin)


def moment(value: Any) -> str:
    """An ISO time to the minute, in UTC where it says so: `2026-01-31 12:00 UTC`. Anything else as it is."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return plain(value)
    return f"{time:%Y-%m-%d %H:%M}" if time.tzinfo is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: Any) -> str:
    """A time a person can picture: `42 s`, `7 min`, `2 h 05 min`. Of times by stage, their `total`."""
    if isinstance(seconds, Mapping):
        return duration(seconds.get("total", sum(seconds.values())))
    if is_missing(seconds):
        return MISSING
    whole = round(float(seconds))
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


def words(name: str) -> str:
    """A name as a heading: `informative_dimensions` is `Informative dimensions`."""
    spaced = name.replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def sentence(value: str) -> str:
    """Closed with a full stop, unless it ends with a sign of its own."""
    stripped = value.strip()
    return stripped if not stripped or stripped[-1] in ".!?" else stripped + "."


def slug(*parts: str) -> str:
    """A safe name for a file or an anchor, from letters, digits and `._-`."""
    return "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", part).strip("-.") for part in parts if part)


def sources(text: Any) -> list[tuple[str, str | None]]:
    """Split a citation into pieces of text, each with the address it leads to or None.

    Known are `arXiv:1706.03825`, `doi:10.1000/xyz` (also without `doi:`) and plain web addresses; the rest stays text.
    """
    whole = "" if is_missing(text) else str(text)
    pieces: list[tuple[str, str | None]] = []
    end = 0
    for found in SOURCE.finditer(whole):
        label = found.group(0).rstrip(".")
        while label.endswith(")") and label.count(")") > label.count("("):
            label = label[:-1]
        if found["arxiv"]:
            address = "https://arxiv.org/abs/" + found["arxiv"]
        elif found["doi"]:
            address = "https://doi.org/" + quote(label[found.start("doi") - found.start() :], safe="/()._-;:")
        else:
            address = label
        if found.start() > end:
            pieces.append((whole[end : found.start()], None))
        pieces.append((label, address))
        end = found.start() + len(label)
    if end < len(whole):
        pieces.append((whole[end:], None))
    return pieces


def markdown(value: Any) -> str:
    """Free text made safe for a Markdown paragraph or table cell: one line, every sign escaped."""
    if is_missing(value):
        return MISSING
    return _escaped(" ".join(str(value).split()))


def _escaped(words: str) -> str:
    return MARKDOWN_SIGNS.sub(r"\\\1", words)


def markdown_code(value: Any) -> str:
    """A name or command as a code span that survives a table cell; a longer fence where it holds backticks."""
    content = " ".join(str(value).split())
    fence = "`"
    while fence in content:
        fence += "`"
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{pad}{content}{pad}{fence}".replace("|", "\\|")


def prose(value: Any) -> list[tuple[str, bool]]:
    """A sentence in pieces, those between backticks marked as code: ``See `x`.`` is See, (x, code) and a full stop."""
    pieces = str(value).split("`")
    if len(pieces) % 2 == 0 or not all(piece.strip() for piece in pieces[1::2]):
        return [(str(value), False)]
    return [(piece, place % 2 == 1) for place, piece in enumerate(pieces) if piece]


def markdown_prose(value: Any) -> str:
    """A sentence for Markdown whose names between backticks stay code; every other sign is escaped."""
    joined = ((markdown_code(piece) if code else _escaped(piece)) for piece, code in prose(value))
    return " ".join("".join(joined).split())


def markdown_sources(text: Any) -> str:
    """A citation with its addresses as Markdown links."""
    return "".join(
        markdown(label) if url is None else f"[{markdown(label)}]({url.replace('(', '%28').replace(')', '%29')})"
        for label, url in _spaced(sources(text))
    )


def _spaced(pieces: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    return pieces or [(MISSING, None)]


def brief(value: Any) -> str:
    """Hardware in one line: names as they are, numbers with what they count, nothing that is empty.

    `{"processor": "X", "cores": 8, "memory_gb": 15.5, "gpus": []}` is `X, 8 cores, 15.5 GB memory`.
    """
    if not isinstance(value, Mapping):
        return plain(value)
    parts = []
    for key, inner in value.items():
        if isinstance(inner, int | float) and not isinstance(inner, bool):
            name, gigabytes = str(key).removesuffix("_gb"), str(key).endswith("_gb")
            parts.append(f"{inner:g} {'GB ' if gigabytes else ''}{name.replace('_', ' ')}")
        elif inner:
            parts.append(plain(inner))
    return ", ".join(parts)


def plain(value: Any) -> str:
    """A value of the provenance in one line; a mapping as `name value` pairs."""
    if isinstance(value, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')} {plain(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and not is_missing(value):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(plain(inner) for inner in value) or "none"
    return MISSING if is_missing(value) else str(value)


def block(value: Any) -> str:
    """A nested value as indented JSON."""
    return json.dumps(value, indent=2, default=str, ensure_ascii=False)
