"""The board in short as Markdown: `README.md` beside the site, and a block for the project's own README.

Whatever the size of the suite, `README.md` has at most `LINES` lines: what is left out of a table is said, and the site
has it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from benchmark.site.board import Board
from benchmark.site.templating import markdown
from benchmark.site.view import View

LINES = 200
BLOCK_START = "<!-- board: made by the publisher, do not edit -->"
BLOCK_END = "<!-- end of the board -->"


@dataclass(frozen=True)
class Room:
    """How many rows each kind of table may have; with 0 `methods` a family has no table of its own."""

    methods: int
    families: int = 24
    claims: int = 16
    sentences: int = 8

    @classmethod
    def of(cls, families: int) -> Room:
        """For so many families: what the rest of the page leaves, less the text that each family has."""
        rest, own = LINES - 80 - families, 10
        return cls(max(0, min(12, rest // max(1, families) - own)))


def readme(view: View) -> str:
    """`README.md` of the board's folder; its links lead into the folder."""
    room = Room.of(len(view.families))
    return _tidy(markdown().get_template("README.md.jinja").render(view=view, board=view.board, room=room))


def readme_block(board: Board, folder: str = "") -> str:
    """The top of the board with one picture, between two comments: what the project's own README shows.

    `folder` is where the board lies from there, `leaderboard/<profile>` unless given.
    """
    view = View(board)
    where = folder or f"leaderboard/{board.profile}"
    picture = next((image for image in view.images if not image.picture.method), None)
    values: dict[str, Any] = {"view": view, "board": board, "folder": where, "picture": picture}
    body = _tidy(markdown().get_template("block.md.jinja").render(**values))
    return f"{BLOCK_START}\n\n{body}\n{BLOCK_END}\n"


def _tidy(lines: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
