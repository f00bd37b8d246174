"""`touchstone report METHOD`: what an author puts into an appendix, from the published tables alone.

    paths = write_report("board", "attribution/smoothgrad", folder)      smoothgrad.md and smoothgrad.tex

The page holds the sentence that may be quoted (`standing`), the method beside the top group, blind, chance and the
planted truth on every task (`rows`), its scores between the three marks of each variant, and how to repeat it. The
LaTeX file holds the same table and the sentence as its caption (`latex`).
"""

from __future__ import annotations

from pathlib import Path

from benchmark.artifacts import write_bytes
from benchmark.published import read_board
from benchmark.report.render import latex_table, page
from benchmark.report.standing import find, quotation

__all__ = ["write_report"]


def write_report(profile: str, method: str, folder: Path | None = None) -> tuple[str, list[Path]]:
    """Write the report of a method; the sentence that may be quoted, and the files.

    They lie in `folder`, or in `results/<profile>/reports/`. Raises `UnknownNameError` for a board or a method that is
    not there.
    """
    board = read_board(profile)
    standing = find(board, method)
    place = folder or Path.cwd() / "results" / board.folder.name / "reports"
    paths = [place / f"{standing.family}-{standing.method}.{ending}" for ending in ("md", "tex")]
    for path, text in zip(paths, (page(standing), latex_table(standing)), strict=True):
        write_bytes(path, text.encode())
    return quotation(standing), paths
