"""The two environments of the templates: pages, where everything is escaped, and Markdown.

What a filter returns as `Markup` was put together from escaped parts.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from benchmark.site import charts, svg, text
from benchmark.site.board import DOWNLOADS
from benchmark.site.evidence import VERDICTS
from benchmark.site.prose import after_summary
from benchmark.site.ranking import beats

TEMPLATES = Path(__file__).parent / "templates"
STRESSED = re.compile(r"(?<![\w*])\*(\w(?:[^*\n]*[\w.:!?])?)\*(?![\w*])")
SHORT = 10
"""Letters of a name that every column has room for."""
NUMBERS = {
    "fixed": text.fixed,
    "amount": text.amount,
    "score": text.score,
    "spread": text.spread,
    "probability": text.probability,
    "count": text.count,
}


@functools.cache
def pages() -> Environment:
    """For HTML: names and sentences of plugins are escaped, numbers have a true minus sign."""
    environment = _environment(autoescape=True)
    environment.filters.update({name: _typeset(function) for name, function in NUMBERS.items()})
    environment.filters.update(
        breakable=_breakable, linked=_linked, prose=_prose, docstring=_docstring, typeset=_typeset(str), heat=heat
    )
    environment.globals.update(interval=_typeset(text.interval), expected=_typeset(text.expected))
    environment.globals.update(
        brackets=_brackets, svg=svg, charts=charts, after_summary=after_summary, beats=beats, data=_data
    )
    return environment


@functools.cache
def markdown() -> Environment:
    """For README.md: every sign that Markdown knows is escaped."""
    environment = _environment(autoescape=False)
    environment.filters.update(NUMBERS)
    environment.filters.update(md=text.markdown, prose=text.markdown_prose)
    environment.filters.update(code=text.markdown_code, linked=text.markdown_sources)
    environment.globals.update(interval=text.interval, expected=text.expected)
    return environment


def heat(skill: Any) -> str:
    """The style of a cell by tenths of skill: `h0` at the null to `h10` at the truth, `h-1` to `h-3` below."""
    return "" if text.is_missing(skill) else f"h{round(10 * min(max(float(skill), -0.3), 1.0))}"


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        words=text.words,
        sentence=text.sentence,
        duration=text.duration,
        seeds=text.seeds,
        plain=text.plain,
        brief=text.brief,
        moment=text.moment,
        block=text.block,
        slug=text.slug,
    )
    environment.tests["missing"] = text.is_missing
    environment.globals.update(span=text.span, downloads=DOWNLOADS, verdicts=VERDICTS)
    return environment


def _typeset(function: Any) -> Any:
    """The same number with a true minus sign, which is as wide as a digit."""
    return lambda *arguments: function(*arguments).replace("-", "−")


def _brackets(low: Any, high: Any) -> str:
    """An interval beside its value: nothing where there is none."""
    return "" if text.is_missing(low) or text.is_missing(high) else text.interval(low, high).replace("-", "−")


def _data(*values: Any) -> Markup:
    """Numbers as the value of `data-v`, for sorting and comparing: nothing where the first is missing."""
    if text.is_missing(values[0]):
        return Markup("")
    known = (f"{float(value):.4g}" for value in values if not text.is_missing(value))
    return Markup(' data-v="{}"').format(" ".join(known))


def _prose(value: Any) -> Markup:
    """A sentence whose names between backticks are set as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if code else escape(piece) for piece, code in text.prose(value)
    )


def _breakable(name: Any) -> Markup:
    """A name that may be broken behind its underscores if it is long."""
    whole = str(name)
    return Markup("_<wbr>").join(whole.split("_")) if len(whole) > SHORT else escape(whole)


def _docstring(value: Any) -> Markup:
    """A sentence of a docstring: names between backticks are code, words between asterisks are stressed."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece)
        if code
        else Markup("").join(
            Markup("<em>{}</em>").format(part) if at % 2 else escape(part)
            for at, part in enumerate(STRESSED.split(piece))
        )
        for piece, code in text.prose(str(value).replace("``", "`").replace("**", "*"))
    )


def _linked(value: Any) -> Markup:
    """A citation with its addresses as links."""
    return Markup("").join(
        escape(label) if address is None else Markup('<a href="{}">{}</a>').format(address, label)
        for label, address in text.sources(value)
    )
