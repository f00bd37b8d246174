"""What a folder keeps, as the `Board` that the site shows; and the pages made from it.

render_kept(folder)      the pages of a published folder, from its files alone
"""

from __future__ import annotations

from pathlib import Path

from benchmark.boards.kept import Kept, read
from benchmark.boards.tables import failures
from benchmark.site import About, Board, PagePicture, render
from benchmark.statistics.budgets import at_largest
from benchmark.tables import metric_rows


def render_kept(folder: Path) -> list[Path]:
    """Make the pages of a published folder from what it keeps; the files written.

    Raises:
        TouchstoneError: the folder holds no board that can be read (see `benchmark.boards.kept.read`).
    """
    return render(board_of(read(folder)), folder)


def board_of(kept: Kept) -> Board:
    """All that the site shows of a board."""
    facts = kept.facts
    return Board(
        profile=facts.profile,
        title=facts.title,
        metrics=metric_rows(at_largest(kept.scores)),
        failures=failures(kept.scores, facts.source),
        provenance=kept.provenance,
        plugins={
            (each.kind, each.family, each.name): About(
                each.summary, each.cites, each.text, each.parameters, each.defaults, each.options
            )
            for each in facts.plugins
        },
        pictures=[
            PagePicture(
                each.family, each.task, each.name, each.title, each.caption, kept.pictures[each.file], each.method
            )
            for each in facts.pictures
        ],
        notes=facts.notes,
        left_out=facts.left_out,
        **kept.tables,
    )
