"""The leaderboard as one HTML file and as Markdown, from a finished `Board`.

    render(board, folder)    writes folder/index.html, folder/README.md and folder/pictures/*.png

`index.html` needs nothing beside it: pictures, style and the small script are inside, and a content security policy
forbids the browser to load anything else. Without JavaScript it is a page of plain tables. Nothing here knows a family,
task or method by name.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from benchmark.site import svg, text
from benchmark.site.board import DOWNLOADS, About, Board, PagePicture
from benchmark.site.view import VERDICTS, View

__all__ = ["About", "Board", "PagePicture", "html", "markdown", "render"]

HERE = Path(__file__).parent


def render(board: Board, folder: Path) -> list[Path]:
    """Write the page of `board` into `folder` (created if need be) and return the files written.

    The folder's `pictures/` holds exactly the board's pictures afterwards; other files are left alone.
    """
    view = View(board)
    contents = {"index.html": _html(view), "README.md": _markdown(view)}
    written = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8", newline="\n")
        written.append(folder / name)
    pictures = folder / "pictures"
    for old in pictures.glob("*.png"):
        if old.name not in {image.file for image in view.images}:
            old.unlink()
    for image in view.images:
        pictures.mkdir(exist_ok=True)
        target = pictures / image.file
        if not (target.exists() and target.samefile(image.picture.path)):
            shutil.copyfile(image.picture.path, target)
        written.append(target)
    return written


def html(board: Board) -> str:
    """The page as one self-contained HTML document."""
    return _html(View(board))


def markdown(board: Board) -> str:
    """The same tables as Markdown; pictures are linked as `pictures/<name>.png`."""
    return _markdown(View(board))


def _html(view: View) -> str:
    style = (HERE / "style.css").read_text(encoding="utf-8")
    script = (HERE / "table.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    environment = _environment(autoescape=True)
    environment.filters.update({name: _typeset(function) for name, function in NUMBERS.items()})
    environment.filters.update(linked=_linked, prose=_prose, typeset=_typeset(str))
    environment.globals.update(interval=_typeset(text.interval), expected=_typeset(text.expected))
    template = environment.get_template("index.html.jinja")
    return template.render(view=view, board=view.board, style=Markup(style), script=Markup(script), digest=digest)


def _markdown(view: View) -> str:
    environment = _environment(autoescape=False)
    environment.filters.update(NUMBERS)
    environment.filters.update(md=text.markdown, prose=text.markdown_prose)
    environment.filters.update(code=text.markdown_code, linked=text.markdown_sources)
    lines = environment.get_template("README.md.jinja").render(view=view, board=view.board)
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


NUMBERS = {
    "fixed": text.fixed,
    "amount": text.amount,
    "score": text.score,
    "spread": text.spread,
    "probability": text.probability,
    "count": text.count,
}


def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
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
    environment.globals.update(
        svg=svg, span=text.span, interval=text.interval, expected=text.expected, downloads=DOWNLOADS, verdicts=VERDICTS
    )
    return environment


def _typeset(function: Any) -> Any:
    """The same number with a true minus sign, which is as wide as a digit."""
    return lambda *arguments: function(*arguments).replace("-", "−")


def _prose(value: Any) -> Markup:
    """A sentence whose names between backticks are set as code."""
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if code else escape(piece) for piece, code in text.prose(value)
    )


def _linked(value: Any) -> Markup:
    """A citation with its addresses as links."""
    return Markup("").join(
        escape(label) if address is None else Markup('<a href="{}">{}</a>').format(address, label)
        for label, address in text.sources(value)
    )
