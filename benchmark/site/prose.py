"""A docstring as blocks to set: paragraphs, lists, and what must keep its spaces (formulas, tables, code).

blocks("Summary.\n\nA(x) = mean over k of  f(x + e_k)")    [Block("paragraph", ...), Block("verbatim", ...)]
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Literal

GAP = re.compile(r"(?<=\S)(?<![.!?:]) {2,}(?=\S)|(?<=\S) {3,}(?=\S)")
"""Spaces within a line that mean something: no sentence holds them."""
ITEM = re.compile(r"^[-*] +", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A piece of text: a paragraph (one line), a list (one line an item), or lines to keep as they are."""

    kind: Literal["paragraph", "list", "verbatim"]
    lines: list[str]


def blocks(text: str) -> list[Block]:
    """The blocks of a docstring. Indented ones, and those with runs of spaces inside a line, are verbatim."""
    first, _, rest = text.expandtabs().strip("\n").partition("\n")
    whole = first.strip() + "\n" + textwrap.dedent(rest)
    found: list[Block] = []
    for chunk in re.split(r"\n\s*\n", whole.strip()):
        if not chunk.strip():
            continue
        block = _block(chunk)
        if found and block.kind == "verbatim" == found[-1].kind:
            found[-1] = Block("verbatim", [*found[-1].lines, "", *block.lines])
        else:
            found.append(block)
    return found


def after_summary(text: str) -> list[Block]:
    """The blocks behind the first, which is the summary that stands elsewhere."""
    return blocks(text)[1:]


def _block(chunk: str) -> Block:
    lines = chunk.strip("\n").split("\n")
    if all(line.startswith("  ") for line in lines) or any(GAP.search(line.strip()) for line in lines):
        return Block("verbatim", [line.rstrip() for line in textwrap.dedent("\n".join(lines)).split("\n")])
    if ITEM.match(lines[0]):
        items = [part for part in ITEM.split("\n".join(lines)) if part.strip()]
        return Block("list", [" ".join(item.split()) for item in items])
    return Block("paragraph", [" ".join(chunk.split())])
