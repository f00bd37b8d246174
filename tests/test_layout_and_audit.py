"""Paths of a run, and the audit that takes back what is no longer what was written."""

from __future__ import annotations

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
        layout.pictures("f.t"),
    ]  # fmt: skip
    assert len(set(paths)) == len(paths)
    assert all(path.is_relative_to(tmp_path / "results" / "small") for path in paths)
    assert layout.leaderboard == tmp_path / "leaderboard" / "small"
    assert Layout("small").results == Path("results/small")


def filled(base: Path) -> tuple[Layout, dict[Path, Path]]:
    """A layout with an index of each kind; for each, a file it vouches for."""
    layout = Layout("small", base)
    files = {
        layout.subject_index("s"): layout.subject("s", 0) / "weights.safetensors",
        layout.explain_index("f.t", 0): layout.cell("f.t", "m") / "v.0.safetensors",
        layout.explain_index("f.t", 1): layout.cell("f.t", "n") / "v.0.safetensors",
        layout.score_index("f.t"): layout.scores("f.t"),
    }
    for index, path in files.items():
        write_bytes(path, b"content")
        write_index(index, {path.relative_to(index.parent).as_posix(): record(path)}, {})
    return layout, files


def test_an_undamaged_run_is_left_alone(tmp_path: Path) -> None:
    layout, files = filled(tmp_path)
    assert sorted(layout.indexes()) == sorted(files)
    assert audit(layout) == []
    assert all(index.is_file() for index in files)
    assert audit(Layout("absent", tmp_path)) == []


@pytest.mark.parametrize("which", range(4))
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing", "index"])
def test_the_index_of_a_damaged_file_is_taken_back_and_no_other(tmp_path: Path, which: int, damage: str) -> None:
    layout, files = filled(tmp_path)
    index, path = list(files.items())[which]
    if damage == "truncated":
        path.write_bytes(b"con")
    elif damage == "altered":
        path.write_bytes(b"kontent")
    elif damage == "missing":
        path.unlink()
    else:
        index.write_text("{")
    (problem,) = audit(layout)
    assert str(index if damage == "index" else path) in problem
    assert not index.exists()
    assert all(other.is_file() for other in files if other != index)
    assert audit(layout) == []
