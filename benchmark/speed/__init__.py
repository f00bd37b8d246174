"""`make speed`: the project's benchmarks, ours and the peer (or the plain loop) measured in the same run.

    measure_all(folder, profile)      writes speed.csv and speed.md

Each module of this folder, and `speed.py` of a model's folder, holds `measure(profile) -> Iterable[Row]`.
Ratios are above 1 where ours is faster.
"""

from __future__ import annotations

import csv
import importlib
import io
import math
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.artifacts import write_bytes
from benchmark.provenance import hardware, versions
from benchmark.registry import MODELS, PROJECT


@dataclass(frozen=True)
class Row:
    """One measured comparison. Without a peer, `other` is None and only the limit speaks."""

    what: str
    ours: float
    unit: str
    other: float | None = None
    limit: float | None = None
    """What the figure must not exceed."""
    higher_is_better: bool = False

    @property
    def ratio(self) -> float:
        """Above 1 where ours is faster."""
        if self.other is None or not self.ours or not self.other:
            return math.nan
        return self.ours / self.other if self.higher_is_better else self.other / self.ours

    @property
    def fraction_of_limit(self) -> float:
        """How much of the limit is used up; at most 1 where the figure is as it must be."""
        if self.limit is None:
            return math.nan
        return self.limit / self.ours if self.higher_is_better else self.ours / self.limit


def seconds(function: Callable[[], Any], repeats: int = 5) -> float:
    """The least wall time of several calls, in seconds: the least disturbed by other work on the machine."""
    best = math.inf
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - began)
    return best


def interleaved(ours: Callable[[], Any], other: Callable[[], Any], repeats: int = 5) -> tuple[float, float]:
    """The least wall times of two functions called in turns, so that a busy moment strikes both."""
    pairs = [(seconds(ours, 1), seconds(other, 1)) for _ in range(repeats)]
    return min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)


COLUMNS = ("what", "ours", "other", "unit", "ratio", "limit", "fraction_of_limit")


def measure_all(folder: Path, profile: str) -> Iterator[str]:
    """Run every module's measurements, write the tables, and yield lines to print."""
    rows: list[Row] = []
    threads = torch.get_num_threads()
    modules = [f"{__name__}.{info.name}" for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_")]
    modules += [f"tasks.models.{path.parent.name}.speed" for path in (PROJECT / "tasks" / MODELS).glob("*/speed.py")]
    for module in sorted(modules):
        torch.set_num_threads(threads)  # whatever the one before it has left
        found: Iterable[Row] = importlib.import_module(module).measure(profile)
        for row in found:
            rows.append(row)
            yield f"{row.what}: {_number(row.ours)} {row.unit}" + _against(row)
    cells = [[_number(getattr(row, column)) for column in COLUMNS] for row in rows]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *cells])
    write_bytes(folder / "speed.csv", text.getvalue().encode())
    write_bytes(folder / "speed.md", _markdown(cells, profile).encode())
    yield f"written: {folder / 'speed.csv'}, {folder / 'speed.md'}"


def _against(row: Row) -> str:
    parts = []
    if row.other is not None:
        parts.append(f"other {_number(row.other)}, ratio {_number(row.ratio)}")
    if row.limit is not None:
        parts.append(f"limit {_number(row.limit)}, {_number(100 * row.fraction_of_limit)} % of it")
    return f" ({'; '.join(parts)})" if parts else ""


def _number(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or math.isnan(value) else f"{value:.4g}"


def _markdown(cells: list[list[str]], profile: str) -> str:
    machine, library = hardware(), versions()
    device = ", ".join(machine["gpus"]) or f"{machine['processor']}, {machine['cores']} cores"
    lines = [
        "# Speed",
        "",
        f"Measured by `make speed` on {device}; Python {library['python']}, torch {library['torch']}; `{profile}`.",
        "Ours and the other were measured in the same run, in turns; a ratio above 1 means ours is faster.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + " --- |" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in cells),
    ]
    return "\n".join(lines) + "\n"


__all__ = ["COLUMNS", "Row", "interleaved", "measure_all", "seconds"]
