"""The index of a large board stays small: a browser is ready the sooner, the less it has to read and to build."""

from __future__ import annotations

import re

from benchmark.boards.showing import board_of
from benchmark.site import documents
from benchmark.site.view import View
from benchmark.speed import boards
from tests.support.html import Reader

BYTES, ELEMENTS = 300_000, 5_500


def test_the_index_of_sixty_tasks_and_130_methods_has_few_elements() -> None:
    view = View(board_of(boards.invented_board(boards.invented_scores(), boards.invented_claims())))
    assert len(view.methods) >= boards.METHODS
    assert sum(len(family.tasks) for family in view.families) == boards.TASKS
    index = documents(view)["index.html"]()
    assert len(index.encode()) < BYTES
    # A browser that runs scripts reads what stands in a noscript as text.
    built = Reader(re.sub(r"<noscript>.*?</noscript>", "", index, flags=re.DOTALL))
    assert len(built.tags) < ELEMENTS
    shown = " ".join(built.words)
    assert all(method.name in shown for method in view.methods)
