"""Paths of a run, and the audit that takes back what is no longer what was written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmark.artifacts import record, write_bytes, write_index
from benchmark.audit import audit
from benchmark.layout import Layout


def test_everything_of_a_profile_lies_in_its_two_folders(tmp_path: Path) -> None:
    layout = Layout("small", tmp_path)
    paths = [
        layout.subject("s"), layout.subject("s", 3), layout.subject_index("s"), layout.explanations("f.t"),
        layout.cell("f.t", "m"), layout.explain_index("f.t", 0), layout.scores("f.t"), layout.score_index("f.t"),
        layout.pictures("f.t"), layout.published,
    ]  # fmt: skip
    assert len(set(paths)) == len(paths)
    assert all(path.is_relative_to(tmp_path / "results" / "small") for path in paths)
    assert layout.leaderboard == tmp_path / "leaderboard" / "small"
    assert Layout("small").results == Path("results/small")


def filled(base: Path) -> tuple[Layout, dict[str, tuple[Path, Path]]]:
    """A layout with indexes of each kind, by short names; with each, a file it vouches for."""
    layout = Layout("small", base)
    made: dict[str, tuple[Path, Path, list[str]]] = {
        "s": (layout.subject_index("s"), layout.subject("s", 0) / "weights", []),
        "u": (layout.subject_index("u"), layout.subject("u", 0) / "weights", []),
        "f.t/0": (layout.explain_index("f.t", 0), layout.cell("f.t", "m") / "v.0", ["s"]),
        "f.t/1": (layout.explain_index("f.t", 1), layout.cell("f.t", "n") / "v.0", ["s"]),
        "f.w/0": (layout.explain_index("f.w", 0), layout.cell("f.w", "m") / "v.0", ["s", "u"]),
        "f.t": (layout.score_index("f.t"), layout.scores("f.t"), ["s"]),
        "f.w": (layout.score_index("f.w"), layout.scores("f.w"), ["s", "u"]),
        "page": (layout.published, layout.leaderboard / "index.html", []),
    }
    for index, path, needs in made.values():
        write_bytes(path, b"content")
        relative = os.path.relpath(path, index.parent)
        write_index(index, {relative: record(path)}, {"needs": needs})
    return layout, {name: (index, path) for name, (index, path, _) in made.items()}


def test_an_undamaged_run_is_left_alone(tmp_path: Path) -> None:
    layout, files = filled(tmp_path)
    assert sorted(layout.indexes()) == sorted(index for index, _ in files.values())
    assert audit(layout) == []
    assert all(index.is_file() for index, _ in files.values())
    assert audit(Layout("absent", tmp_path)) == []


TAKEN = {
    "s": {"s", "f.t/0", "f.t/1", "f.w/0", "f.t", "f.w", "page"},
    "u": {"u", "f.w/0", "f.w", "page"},
    "f.t/1": {"f.t/1", "f.t", "page"},
    "f.w": {"f.w", "page"},
    "page": {"page"},
}


@pytest.mark.parametrize("which", TAKEN)
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing", "index"])
def test_what_is_damaged_is_taken_back_with_all_that_was_made_from_it_and_nothing_else(
    tmp_path: Path, which: str, damage: str
) -> None:
    layout, files = filled(tmp_path)
    index, path = files[which]
    if damage == "truncated":
        path.write_bytes(b"con")
    elif damage == "altered":
        path.write_bytes(b"kontent")
    elif damage == "missing":
        path.unlink()
    else:
        index.write_text("{")
    (problem,) = audit(layout)
    assert Path(problem.split(" is ")[0]).resolve() == (index if damage == "index" else path)
    assert {name for name, (other, _) in files.items() if not other.exists()} == TAKEN[which]
    assert audit(layout) == []
