"""A cheat: read what lies in results/ and leaderboard/: models with their data, other methods' answers, the scores."""

from __future__ import annotations

import os
from pathlib import Path

from methods.attribution._spoils import answer, loot

from benchmark.families.attribution import attribution_method

TREE = Path(__file__).resolve().parents[2]
ROOTS = {
    "by its path": TREE,
    "from here": Path(),
    "from /proc/self": Path(f"/proc/self/root{TREE}"),
    "from the parent": Path(f"/proc/{os.getppid()}/cwd"),
    "from the first": Path(f"/proc/1/root{TREE}"),
}


def first_of(root: Path) -> bytes | None:
    """The beginning of the first file in one of the two folders."""
    for name in ("results", "leaderboard"):
        for folder, _, files in os.walk(root / name):
            for file in files:
                return (Path(folder) / file).read_bytes()[:100] or b"empty"
    return None


WAYS = {name: lambda root=root: first_of(root) for name, root in ROOTS.items()}


@attribution_method(cites="a test")
def reader(question):
    """Read what is kept."""
    return answer(question, loot(WAYS))
