"""Means over the real concepts, with a sub-score for every named group of them."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.families.probing import ProbingTruth


def by_group(values: Mapping[int, float], truth: ProbingTruth) -> dict[str, float]:
    """The mean of `values` (concept -> number) under "", and that of each of the truth's groups under its name."""
    means = {"": _mean(list(values.values()))}
    for name, members in truth.groups.items():
        inside = [values[concept] for concept in members if concept in values]
        if inside:
            means[name] = _mean(inside)
    return means


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
