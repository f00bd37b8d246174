"""A cheat: change what another method has answered, its source, and what is published."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from methods.attribution._spoils import answer, loot

from benchmark.families.attribution import attribution_method

TREE = Path(__file__).resolve().parents[2]
VICTIM = "gradient"
PATIENCE = 10.0
"""Seconds for which the victim's answer is awaited: it runs at the same time."""


def victims() -> list[Path]:
    """What there is of the victim."""
    return [path for path in (TREE / "results").glob(f"*/explanations/*/{VICTIM}/*") if path.is_file()]


def overwrite(path: Path) -> bool:
    content = path.read_bytes()
    path.write_bytes(bytes(len(content)))
    return True


def to_all(act: Callable[[Path], object]) -> bool | None:
    """Do it to all files of the victim, the first as soon as there is one."""
    began = time.monotonic()
    while not victims() and time.monotonic() - began < PATIENCE and (TREE / "results").is_dir():
        try:
            list((TREE / "results").iterdir())
        except OSError:
            return None
        time.sleep(0.1)
    done = [act(path) for path in victims()]
    return True if done else None


def written(folder: Path) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "planted.json").write_text("{}")
    return True


WAYS = {
    "into results": lambda: written(TREE / "results" / "planted"),
    "into leaderboard": lambda: written(TREE / "leaderboard" / "planted"),
    "beside the methods": lambda: written(TREE / "methods" / "attribution"),
    "another's source": lambda: (TREE / "methods" / "attribution" / f"{VICTIM}.py").open("a").write("\n# was here\n"),
    "times": lambda: to_all(lambda path: os.utime(path, (1, 1))),
    "modes": lambda: to_all(lambda path: path.chmod(0o600)),
    "contents": lambda: to_all(overwrite),
    "folder": lambda: (TREE / "results").rename(TREE / "elsewhere"),
}


@attribution_method(cites="a test")
def vandal(question):
    """Break what others have made."""
    return answer(question, loot(WAYS))
