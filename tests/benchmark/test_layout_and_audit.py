"""Paths of a run, and the audit that takes back what is no longer what was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.audit import audit
from benchmark.layout import Layout
from benchmark.store import Kept, Store, recorded, write_index
from tests.support.project import flip


def test_everything_of_a_profile_lies_in_its_two_folders(tmp_path: Path) -> None:
    layout, part = Layout("small", tmp_path), Layout("small", tmp_path, "attribution")
    store = Store(layout.results)
    addresses = [
        *(layout.subject("s", 3), layout.explanation("f.t", "m", "v.0"), layout.values("f.t", "m", "v.0")),
        layout.picture("f.t", "p"),
    ]
    paths = [
        *(store.path(address) for address in addresses),
        *(layout.train_index("s", 0), layout.explain_index("f.t", 0), layout.scores("f.t"), layout.score_index("f.t")),
        *(layout.picture_index("f.t"), layout.published, part.published),
    ]
    assert len(set(paths)) == len(paths)
    assert all(path.is_relative_to(tmp_path / "results" / "small") for path in paths)
    assert layout.leaderboard == tmp_path / "leaderboard" / "small"
    assert part.results == layout.results
    assert part.leaderboard == tmp_path / "leaderboard" / "small+attribution"


def test_paths_are_absolute_so_that_no_plugin_moves_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    layout = Layout("small")
    monkeypatch.chdir("/")
    assert layout.results == tmp_path / "results" / "small"


def filled(base: Path) -> tuple[Layout, dict[str, tuple[Path, Path]]]:
    """A layout with indexes of each kind, by short names; with each, a file it vouches for."""
    layout = Layout("small", base)
    store = Store(layout.results)

    def kept(address: str) -> Kept:
        return store.put(address, "key", {"status": "ok"}, blobs={"data": b"content"})

    made: dict[str, tuple[Path, Kept | Path]] = {
        "s": (layout.train_index("s", 0), kept(layout.subject("s", 0))),
        "u": (layout.train_index("u", 0), kept(layout.subject("u", 0))),
        "f.t/0": (layout.explain_index("f.t", 0), kept(layout.explanation("f.t", "m", "v.0"))),
        "f.t/1": (layout.explain_index("f.t", 1), kept(layout.explanation("f.t", "n", "v.0"))),
        "f.w/0": (layout.explain_index("f.w", 0), kept(layout.explanation("f.w", "m", "v.0"))),
        "f.t": (layout.score_index("f.t"), layout.scores("f.t")),
        "f.w": (layout.score_index("f.w"), layout.scores("f.w")),
        "f.t picture": (layout.picture_index("f.t"), kept(layout.picture("f.t", "p"))),
        "page": (layout.published, layout.leaderboard / "index.html"),
    }
    for index, thing in made.values():
        if isinstance(thing, Path):
            thing.parent.mkdir(parents=True, exist_ok=True)
            thing.write_bytes(b"content")
        write_index(index, recorded([thing]) if isinstance(thing, Path) else thing.files, {})
    files = {n: (i, t if isinstance(t, Path) else t.blob("data")) for n, (i, t) in made.items()}
    return layout, files


def test_an_undamaged_run_is_left_alone(tmp_path: Path) -> None:
    layout, files = filled(tmp_path)
    assert sorted(layout.indexes()) == sorted(index for index, _ in files.values())
    assert audit(layout) == []
    assert audit(layout, by_checksum=True) == []
    assert all(index.is_file() for index, _ in files.values())
    assert audit(Layout("absent", tmp_path)) == []


TAKEN = {
    "s": {"s", "f.t/0", "f.t/1", "f.w/0", "f.t", "f.w", "f.t picture", "page"},
    "f.t/1": {"f.t/1", "f.t", "f.t picture", "page"},
    "f.w": {"f.w", "page"},
    "f.t picture": {"f.t picture", "page"},
    "page": {"page"},
}


@pytest.mark.parametrize("which", TAKEN)
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing", "index", "unnoticed"])
def test_what_is_damaged_is_taken_back_with_all_that_was_made_from_it_and_nothing_else(
    tmp_path: Path, which: str, damage: str
) -> None:
    layout, files = filled(tmp_path)
    index, path = files[which]
    if damage == "truncated":
        path.write_bytes(b"con")
    elif damage == "missing":
        path.unlink()
    elif damage == "index":
        index.write_text("{")
    else:
        flip(path, keep_time=damage == "unnoticed")
    if damage == "unnoticed":
        assert audit(layout) == [], "sizes and times are as they were"
    (problem,) = audit(layout, by_checksum=damage == "unnoticed")
    assert Path(problem.split(" is ")[0]).resolve() == (index if damage == "index" else path)
    assert {name for name, (other, _) in files.items() if not other.exists()} == TAKEN[which]
    assert audit(layout) == []


def test_an_index_over_files_elsewhere_is_taken_back(tmp_path: Path) -> None:
    layout, files = filled(tmp_path / "here")
    _, elsewhere = filled(tmp_path / "there")
    write_index(layout.train_index("s", 0), recorded([elsewhere["s"][1]]), {})
    (problem,) = audit(layout)
    assert "vouches for" in problem
    assert "outside" in problem
    assert not files["s"][0].exists()


def test_what_a_reader_would_trust_is_forgotten_once_its_checksum_is_known_to_differ(tmp_path: Path) -> None:
    layout, files = filled(tmp_path)
    flip(files["f.t/0"][1], keep_time=True)
    audit(layout, by_checksum=True)
    store = Store(layout.results)
    assert store.find(layout.explanation("f.t", "m", "v.0"), "key") is None
    assert store.find(layout.explanation("f.t", "n", "v.0"), "key") is not None
    assert store.find(layout.subject("s", 0), "key") is not None


def test_whoever_only_looks_changes_nothing(tmp_path: Path) -> None:
    layout, files = filled(tmp_path)
    files["s"][1].unlink()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    (problem,) = audit(layout, repair=False)
    assert "subject.data is missing" in problem
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
