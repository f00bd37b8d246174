"""Whether the memory at hand holds a training, asked before anything is allocated."""

from __future__ import annotations

import psutil
import torch

from benchmark.errors import TouchstoneError
from benchmark.learning.dictionary_sparse import parts_of


class TooLargeError(TouchstoneError):
    """The memory at hand cannot hold what is asked for."""


def memory_needed(k: int, size: int, d: int, batch: int) -> int:
    """Bytes that training k dictionaries of `size` atoms in d dimensions takes at its peak, data left out."""
    each = 10 * size * (d + 1) + 3 * batch * size + 5 * batch * d
    return 4 * (k * each + parts_of(batch) * 2 * size * (d + 1) + batch * size)


def require_memory(k: int, size: int, d: int, batch: int, device: torch.device) -> None:
    """Raise `TooLargeError` where less than `memory_needed` is free."""
    needed = memory_needed(k, size, d, batch)
    there = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    if needed > 0.9 * there:
        raise TooLargeError(
            f"training {k} dictionaries of {size:,} atoms in {d} dimensions at batch {batch} needs "
            f"{needed / 1e9:.1f} GB of memory, and {there / 1e9:.1f} GB are free; ask for fewer atoms, "
            "fewer seeds or sparsities at once, or a smaller batch"
        )
