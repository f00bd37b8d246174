"""The leaderboard as a small static site, and in short as Markdown, from a finished `Board`.

    render(board, folder)    index.html, claims.html, certificates.html, tasks/, methods/, assets/, pictures/, README.md
    readme_block(board)      the top of the board for the project's own README

The pages need nothing but each other: they work from a disk without network, a content security policy forbids the
browser to load anything from elsewhere, and without JavaScript they are plain tables. Everything that a plugin says of
itself is escaped. Nothing here knows a family, task or method by name.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from benchmark.site.board import About, Board, PagePicture
from benchmark.site.families import Matrix
from benchmark.site.readme import BLOCK_END, BLOCK_START, readme, readme_block
from benchmark.site.templating import pages
from benchmark.site.view import View

__all__ = ["BLOCK_END", "BLOCK_START", "About", "Board", "PagePicture", "documents", "readme_block", "render"]

ASSETS = Path(__file__).parent / "assets"
GENERATOR = '<meta name="generator" content="Touchstone">'
"""Stands in every page, and says that it may be replaced."""


def render(board: Board, folder: Path) -> list[Path]:
    """Write the site of `board` into `folder` (created if need be) and return the files written.

    Pages of an earlier board that this one does not have are removed; `pictures/` holds exactly the board's pictures
    afterwards. Other files are left alone.
    """
    view = View(board)
    written = []
    for name, content in documents(view).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content(), encoding="utf-8", newline="\n")
        written.append(folder / name)
    for image in view.images:
        target = folder / "pictures" / image.file
        target.parent.mkdir(exist_ok=True)
        if not (target.exists() and target.samefile(image.picture.path)):
            shutil.copyfile(image.picture.path, target)
        written.append(target)
    _sweep(folder, set(written))
    return written


def documents(view: View) -> dict[str, Callable[[], str]]:
    """By name the content of every file but the pictures, made when it is asked for."""
    environment = pages()
    common = {"view": view, "board": view.board, "generator": GENERATOR}

    def page(template: str, up: str = "", **own: object) -> Callable[[], str]:
        return lambda: environment.get_template(template).render(up=up, **common, **own)

    found = {f"{name}.html": page(f"{name}.html.jinja") for name in ("index", "claims", "certificates")}
    for family in view.families:
        for task in family.tasks:
            by_variant = Matrix.of(task.ranking, [task])
            found[task.address] = page("task.html.jinja", "../", family=family, task=task, by_variant=by_variant)
    for method in view.methods:
        found[method.address] = page("method.html.jinja", "../", family=method.family, method=method)
    return found | {"assets/style.css": style, "assets/site.js": script, "README.md": lambda: readme(view)}


def style() -> str:
    """The site's style sheet."""
    return (ASSETS / "style.css").read_text(encoding="utf-8")


def script() -> str:
    """The site's one script: its parts, in one scope."""
    parts = "\n".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in PARTS)
    return f'// Without this script the pages are plain tables.\n"use strict";\n\n(() => {{\n{parts}}})();\n'


PARTS = ("base", "sort", "columns", "filter", "matrix", "compare", "gallery", "start")
"""The parts of the script: the last one starts the others."""


def _sweep(folder: Path, current: set[Path]) -> None:
    for pattern in ("tasks/*.html", "methods/*.html", "pictures/*.png"):
        for old in set(folder.glob(pattern)) - current:
            if old.suffix == ".png" or GENERATOR in old.read_text(encoding="utf-8", errors="replace")[:2000]:
                old.unlink()
