"""A folder as it was, to which it returns after whatever a test has done to it.

    snapshot = Snapshot(folder)       a copy beside it
    snapshot.restore()                paths, contents, modes and times as they were

Only what was touched is copied anew, which of some thousand files are few. That is told by the inode and the time of
its last change, which the kernel keeps and which no program can set, as it can a size and a time of writing.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

TICK_SECONDS = 0.02
"""Longer than what the kernel takes for one moment: what is changed later has another time than what was copied."""
Identity = tuple[int, int]


class Snapshot:
    """The copy, and what was seen of the folder when it was last the same."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, folder.with_name("snapshot")
        self._seen: dict[Path, Identity] = {}
        shutil.copytree(folder, self.kept)
        self._look()

    def restore(self) -> None:
        """Make the folder what it was."""
        if self._return(self.kept, self.folder):
            self._look()

    def _look(self) -> None:
        """Remember how the files are now."""
        time.sleep(TICK_SECONDS)
        paths = (Path(base) / name for base, _, names in os.walk(self.folder) for name in names)
        self._seen = {path: _identity(path.lstat()) for path in paths}

    def _return(self, kept: Path, folder: Path) -> bool:
        """Whether anything in a folder was not as it was; now it is."""
        changed = not folder.is_dir() or folder.is_symlink()
        if changed:
            _remove(folder)
            folder.mkdir()
        with os.scandir(kept) as entries:
            wanted = {entry.name: entry.is_dir() for entry in entries}
        with os.scandir(folder) as entries:
            found = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
        for name in found.keys() - wanted.keys():
            _remove(folder / name)
            changed = True
        for name, is_folder in wanted.items():
            if is_folder:
                changed |= self._return(kept / name, folder / name)
            elif name not in found or _identity(found[name]) != self._seen.get(folder / name):
                _remove(folder / name)
                shutil.copy2(kept / name, folder / name)
                changed = True
        shutil.copystat(kept, folder)
        return changed


def _identity(status: os.stat_result) -> Identity:
    return status.st_ino, status.st_ctime_ns


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
