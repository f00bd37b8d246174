"""What a job asks of a cluster, from the limits of its cells and how many of them run side by side.

    memory_mb(limits, units=12, threads=4)     a unit is a seed to train, a method to run, or an instance to score
    minutes(limits, units=12, threads=4)

`threads` units run side by side, each under the profile's limits, in one process. On a laptop Snakemake ignores the
numbers; Slurm reserves them and ends a job that needs more. Nothing here imports torch: the Snakefile asks.
"""

from __future__ import annotations

import math

from benchmark.config import Limits

JOB_MB = 2000
"""Resident memory of a job besides its cells: Snakemake on the node, and the process that imports torch and forks."""
JOB_MINUTES = 5
"""Time of a job besides its cells: slow imports from a shared file system, checksums, writing."""


def side_by_side(units: int, threads: int) -> int:
    """How many of `units` run at a time; at least one, for a job is submitted even where all is kept."""
    return max(1, min(units, threads))


def memory_mb(limits: Limits, *, units: int, threads: int, attempt: int = 1) -> int:
    """Memory of a job in MB: that of all cells that run side by side, and its own.

    `attempt` counts from 1; a job is given that many times as much where nothing holds its units to the limit.
    """
    return JOB_MB + side_by_side(units, threads) * limits.memory_mb * attempt


def minutes(limits: Limits, *, units: int, threads: int, attempt: int = 1) -> int:
    """Minutes after which a job must have ended if each of its units takes all the time it may.

    Units start as soon as one of `threads` places is free, so that n of them take at most ceil(n / threads) turns.
    """
    turns = math.ceil(max(1, units) / side_by_side(units, threads))
    return JOB_MINUTES + math.ceil(turns * limits.seconds * attempt / 60)
