"""A folder returns to what it was, whatever a test has done to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.project import flip
from tests.support.snapshot import Snapshot

State = dict[str, tuple[int, int, bytes]]


def state(folder: Path) -> State:
    """Mode, time and content of everything in a folder."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_mtime_ns, content)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    (folder / "sub" / "deep").mkdir(parents=True)
    for name in ("one", "sub/two", "sub/deep/three"):
        (folder / name).write_text(name)
        os.utime(folder / name, (1e9, 1e9))
    return folder


def replace_by_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def replace_folder(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.write_text("a file")


def link_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))
    path.parent.symlink_to("elsewhere")


CHANGES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,
    "a bit alone": lambda path: flip(path, keep_time=True),
    "its content": lambda path: path.write_text("other"),
    "its time": lambda path: path.touch(),
    "its mode": lambda path: path.chmod(0o600),
    "gone": lambda path: path.unlink(),
    "everything gone": lambda path: shutil.rmtree(path.parents[1]),
    "renamed": lambda path: path.rename(path.with_name("renamed")),
    "another in its place": lambda path: shutil.copy2(path.parent / "deep" / "three", path),
    "one more": lambda path: (path.parent / "more").write_text("more"),
    "a folder in its place": replace_by_folder,
    "a file in its folder's place": replace_folder,
    "a link in its folder's place": link_folder,
}


@pytest.mark.parametrize("change", CHANGES)
def test_it_is_as_it_was_after_any_change_and_again(folder: Path, change: str) -> None:
    before = state(folder)
    snapshot = Snapshot(folder)
    for _ in range(2):
        CHANGES[change](folder / "sub" / "two")
        snapshot.restore()
        assert state(folder) == before


def test_what_nobody_touched_is_not_copied_again(folder: Path) -> None:
    snapshot = Snapshot(folder)
    before = {name: (folder / name).stat().st_ctime_ns for name in ("one", "sub/two")}
    flip(folder / "sub" / "two", keep_time=True)
    snapshot.restore()
    after = {name: (folder / name).stat().st_ctime_ns for name in before}
    assert after["one"] == before["one"]
    assert after["sub/two"] > before["sub/two"]
