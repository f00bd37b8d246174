"""A cell's process: forked from a parent that has torch imported, against a fresh interpreter that imports it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch

from benchmark.isolation import run_isolated
from benchmark.speed import Row, interleaved


def _nothing(_send: Callable[[Any], None]) -> None:
    """A job that only shows that torch is there."""
    torch.zeros(1)


def measure(_profile: str) -> Iterator[Row]:
    """Seconds from start to end of a process that does nothing with torch."""
    command = [sys.executable, "-c", "import torch; torch.zeros(1)"]
    ours, other = interleaved(lambda: list(run_isolated([_nothing])), lambda: subprocess.run(command, check=True))
    yield Row("process of one cell: forked / new interpreter with torch", ours, "s", other)
