"""Where the page of each task and method lies: short names that are safe on every disk, and never the same for two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from benchmark.site.text import slug

Key = tuple[str, str]


def addresses(folder: str, keys: Iterable[Key]) -> dict[Key, str]:
    """`{("probing", "othello_board"): "tasks/probing-othello_board.html"}`, relative to the site's folder.

    Names that differ in signs that no file name should hold, or in case alone, get a few digits of their hash.
    """
    known = sorted(set(keys))
    plain = {key: slug(*key) for key in known}
    taken = [name.lower() for name in plain.values()]
    return {key: f"{folder}/{_distinct(key, plain[key], taken)}.html" for key in known}


def _distinct(key: Key, name: str, taken: list[str]) -> str:
    if name and taken.count(name.lower()) == 1:
        return name
    digest = hashlib.sha256("\0".join(key).encode()).hexdigest()[:8]
    return f"{name}-{digest}" if name else digest
