"""The page and the LaTeX table: the same numbers, and text that compiles whatever a name holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.report import write_report
from benchmark.report.latex import SPECIAL, code, escaped, table
from benchmark.report.render import latex_table, page
from benchmark.report.rows import groups
from benchmark.report.standing import find, quotation
from tests.support.published import CONTESTANT, publish, rows_of

KNOWN = re.compile("|".join(map(re.escape, sorted((*SPECIAL.values(), r"\\"), key=len, reverse=True))))
NAMES = st.text(min_size=1) | st.text(alphabet='\\{}$&#%_~^<>|"`–a ', min_size=1)


def bare(text: str) -> str:
    """A text without the escapes that are known: nothing special may be left in it."""
    return KNOWN.sub("", text)


@given(NAMES)
def test_nothing_in_a_text_is_taken_for_a_command(text: str) -> None:
    made = escaped(text)
    assert not set(bare(made)) & set('\\{}$&#%_~^<>|"`')
    assert made.isascii()
    assert made.isprintable() or not made
    assert bare(code(text)).removeprefix(r"\texttt{").endswith("}")


@given(st.text(alphabet='\\{}$&#%_~^<>|"`–−a1. ', min_size=1))
def test_a_text_can_be_read_back(text: str) -> None:
    back = {made: sign for sign, made in SPECIAL.items()}
    assert KNOWN.sub(lambda found: back[found.group()], escaped(text)) == " ".join(text.split())


@given(NAMES, NAMES)
def test_a_table_has_the_cells_of_its_head_in_every_row(name: str, title: str) -> None:
    made = table(["A", "B", "C"], [(escaped(title), [[code(name), "1", "2"]] * 2)], caption=escaped(title), label=name)
    rows = [line for line in made.splitlines() if line.endswith(r" \\") and "multicolumn" not in line]
    assert len(rows) == 3
    for row in rows:
        assert KNOWN.sub("", row.removesuffix(r" \\").replace(r"\texttt{", "")).count("&") == 2
    assert bare(made).count("{") == bare(made).count("}")


@pytest.mark.parametrize("name", ["mine", "with_under_scores", "50%_of_#1", "a|b`c`", "null"])
def test_any_method_and_task_name_is_reported(tmp_path: Path, name: str) -> None:
    standing = find(publish(tmp_path, rows_of(name), tasks=("blocks & co", "digits")), name)
    assert code(name) in latex_table(standing)
    assert escaped("blocks & co") in latex_table(standing)
    assert escaped(quotation(standing)) in latex_table(standing)
    text = page(standing)
    for line in (line for line in text.splitlines() if line.startswith("|")):
        assert len(re.findall(r"(?<!\\)\|", line)) in (9, 10), line


def test_a_method_stands_beside_the_top_group_blind_chance_and_the_truth(tmp_path: Path) -> None:
    tied = [CONTESTANT | {"method": f"m{n}"} for n in range(7)]
    standing = find(publish(tmp_path, [*rows_of(rank_low=2), *tied]), "mine")
    whole, *tasks = groups(standing)
    assert [(line.part, line.method) for line in whole.lines] == [
        ("this method", "mine"),
        *(("may be the best", f"m{n}") for n in range(5)),
        ("blind", "edges"),
        ("chance", "random"),
        ("truth", "oracle"),
    ]
    assert whole.left_out == 2
    assert [group.task for group in tasks] == ["blocks", "digits"]
    alone = find(publish(tmp_path, rows_of(), tasks=("blocks",)), "mine")
    assert [group.task for group in groups(alone)] == ["blocks"]


def test_a_table_of_many_tasks_has_a_line_for_each_and_fits_on_a_page(tmp_path: Path) -> None:
    best = CONTESTANT | {"method": "best", "skill": 0.9, "rank_low": 1}
    many = tuple(f"task_{n}" for n in range(22))
    standing = find(publish(tmp_path, [*rows_of(rank_low=2), best], tasks=many), "mine")
    made = latex_table(standing).splitlines()
    assert sum(line.endswith(r" \\") for line in made) < 45
    for task in many:
        (line,) = [line for line in made if code(task) in line]
        assert line.strip().startswith(f"{code(task)} (0.90) & ")


def test_the_files_say_the_sentence_and_how_to_repeat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(tmp_path, rows_of())
    monkeypatch.chdir(tmp_path)
    sentence, paths = write_report("board", "attribution/mine", None)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        "results/board/reports/attribution-mine.md",
        "results/board/reports/attribution-mine.tex",
    ]
    text = paths[0].read_text()
    assert sentence.replace("%", "%") in text
    assert "touchstone run --task attribution/blocks --method mine --profile board" in text
    assert "| blocks | plain | auroc | **0.500** | 0.100 | 0.300 (`edges`) | 1.000 | 2 | yes |" in text
    _, (first, _) = write_report("board", "mine", tmp_path / "appendix")
    assert first.parent == tmp_path / "appendix"
    assert first.read_text() == text
