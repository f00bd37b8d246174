"""The Markdown beside the site: true numbers, links that resolve, and never more than 200 lines."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest

from benchmark.boards.kept import read
from benchmark.boards.showing import board_of
from benchmark.registry import PROJECT
from benchmark.site import BLOCK_END, BLOCK_START, Board, documents, readme_block, text
from benchmark.site.readme import LINES, readme
from benchmark.site.view import View
from tests.support.fake_board import FAMILIES, HOSTILE, fake_board, suite


def tables(document: str) -> list[list[dict[str, str]]]:
    """The tables of a Markdown text, as rows of heading and cell; the signs of Markdown removed."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", document, re.MULTILINE):
        lines = [
            [re.sub(r"\\(.)", r"\1", cell).strip().strip("*") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
        ]
        head, body = lines[0], lines[2:]
        assert all(len(line) == len(head) for line in lines), f"ragged table under {head}"
        found.append([dict(zip(head, line, strict=True)) for line in body])
    return found


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    return fake_board(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def document(board: Board) -> str:
    return readme(View(board))


def test_every_number_of_a_ranking_is_the_tables_number(board: Board, document: str) -> None:
    shown = [table for table in tables(document) if "Rank" in table[0]]
    assert len(shown) == len(FAMILIES)
    for table, family in zip(shown, FAMILIES, strict=True):
        frame = board.leaderboard[(board.leaderboard.family == family)].set_index("method")
        for row in table:
            name = row["Method"].split("`")[1]
            true = frame.loc[name]
            assert f"(methods/{family}-{name}.html)" in row["Method"]
            assert row["Skill"] == text.fixed(true.skill)
            assert row["95 % interval"] == text.interval(true.ci_low, true.ci_high)
            assert row["Rank"] == text.span(true.rank_low, true.rank_high)
            assert row["p"] == text.probability(true.p_value)
            assert row["Seconds"] == text.amount(true.seconds)
            assert row["Tasks"] == f"{true.tasks} of {len(FAMILIES[family]['tasks'])}"
            assert ("still rising" in row["Method"]) == (name == FAMILIES[family]["methods"][1])


def test_every_link_leads_to_a_file_of_the_site(board: Board, document: str) -> None:
    known = documents(View(board))
    for address in re.findall(r"\]\(([^)]+)\)", document):
        path = address.partition("#")[0]
        if not re.match(r"https://", path):
            assert path in known or re.fullmatch(r"[a-z_]+\.(csv|parquet|json)", path), path


def test_plugins_cannot_write_markup_into_it(document: str) -> None:
    assert not re.search(r"(?<!\\)<(script|em|b)>", document)
    assert "[doi:10.1000/xyz(1)](https://doi.org/10.1000/xyz%281%29)" in document
    assert "`full_size` trains on all." in document


@pytest.mark.parametrize(("families", "tasks", "methods"), [(1, 12, 40), (5, 10, 30), (8, 16, 64), (10, 20, 60)])
def test_it_is_short_whatever_the_size_of_the_suite(tmp_path: Path, families: int, tasks: int, methods: int) -> None:
    board = fake_board(tmp_path, suite(families=families, tasks=tasks, methods=methods, metrics=1))
    many = pd.concat([board.claims] * 20, ignore_index=True)
    document = readme(View(dataclasses.replace(board, claims=many, left_out=[HOSTILE] * 50)))
    assert 60 < len(document.splitlines()) <= LINES
    assert "And 84 more on the [page of claims](claims.html)." in document
    assert ("more [ranked methods]" in document) == (methods / families > 12 or families > 7)


def test_of_many_families_there_is_one_table(tmp_path: Path) -> None:
    document = readme(View(fake_board(tmp_path, suite(families=30, tasks=30, methods=90, metrics=1))))
    assert len(document.splitlines()) <= LINES
    assert "And 6 more families on the [index](index.html)." in document
    assert len(tables(document)) == 2


def test_the_block_for_the_projects_readme_is_the_top_of_the_board(board: Board) -> None:
    block = readme_block(board)
    assert block.startswith(BLOCK_START + "\n")
    assert block.endswith(BLOCK_END + "\n")
    (table,) = tables(block)
    assert [row["Family"].lower() for row in table] == list(FAMILIES)
    for row, family in zip(table, FAMILIES, strict=True):
        first = board.leaderboard[board.leaderboard.family == family].iloc[0]
        assert row["May be the best"].startswith(f"`{first.method}`")
        assert row["Skill of the first"] == text.fixed(first.skill)
        assert row["95 % interval"] == text.interval(first.ci_low, first.ci_high)
    assert "](leaderboard/smoke/pictures/attribution-blockmnist-examples.png)" in block
    assert readme_block(board, "elsewhere").count("(elsewhere/") == 2


def test_the_projects_own_readme_shows_the_top_of_the_published_board() -> None:
    block = readme_block(board_of(read(PROJECT / "leaderboard" / "board")))
    assert block in (PROJECT / "README.md").read_text(encoding="utf-8")
