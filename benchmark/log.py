"""The lines a person follows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from benchmark.progress import lasting

log = logging.getLogger("touchstone")
PROGRESS_SECONDS = 5.0


def start_logging() -> None:
    """Send the engine's lines to standard error, plain, for a terminal and for a job's log.

    To the descriptor itself: what stands in for `sys.stderr` may write to one of its own, whose number is another thing
    in a child.
    """
    stream = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def progress_lines(label: str) -> Callable[..., None]:
    """A `progress(step, total, **values)` that logs a line every few seconds and at the end, with the time left."""
    began = last = time.perf_counter()

    def progress(step: int, total: int, **values: float) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last < PROGRESS_SECONDS and step != total:
            return
        last = now
        left = lasting((now - began) / max(step, 1) * (total - step))
        shown = "".join(f", {name} {value:.4g}" for name, value in values.items())
        log.info("%s: step %d of %d%s, %s left", label, step, total, shown, left)

    return progress
