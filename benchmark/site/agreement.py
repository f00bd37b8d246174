"""How much the order of the methods depends on the metric that one chooses.

    agreements(rows, primary, variants)      a line for each metric of a task

Each metric orders the contestants of a variant by how far they get from chance to the truth,
(mean - floor) / (ceiling - floor), so that metrics in which less is better count the right way round. Kendall's tau
compares that order with the primary metric's: 1 the same, 0 unrelated, -1 reversed; with ties it is tau-b
(Kendall 1945, doi:10.2307/2332303).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau

from benchmark.site.rows import Row, grouped, unique

FEWEST = 3
"""Two methods have only two orders: their tau says nothing."""


@dataclass(frozen=True)
class Agreement:
    """One metric beside the primary. `tau` is a mean over `variants` of them; None where it orders nothing."""

    metric: str
    tau: float | None
    variants: int
    methods: int
    """Contestants that both metrics order, on the variant with the fewest."""
    first: str | None
    """Who leads by this metric, in the mean over the variants; None where nobody has all of them."""


def agreements(
    lines: Sequence[Row],
    primary: str,
    variants: Collection[str],
    references: Collection[str],
    undirected: Collection[str] = (),
) -> list[Agreement]:
    """A line for each metric of one task, in the order of its rows; `lines` are those of the board's `metrics`.

    Only `variants` (those that rank) and contestants count, not `references`. Metrics that describe without a better
    and a worse (`undirected`) order nobody.
    """
    shares = {
        key: found
        for key, mine in grouped(lines, "metric", "variant").items()
        if key[0] not in undirected and key[1] in variants and (found := _shares(mine, references))
    }
    result = []
    for metric in unique(row["metric"] for row in lines):
        own = {variant: found for (name, variant), found in shares.items() if name == metric}
        taus, sizes = [], []
        for variant, found in own.items():
            main = shares.get((primary, variant), {})
            both = sorted(found.keys() & main.keys())
            a, b = [found[name] for name in both], [main[name] for name in both]
            if len(both) >= FEWEST and len(set(a)) > 1 and len(set(b)) > 1:
                taus.append(float(kendalltau(a, b).statistic))
                sizes.append(len(both))
        tau = float(np.mean(taus)) if taus else None
        result.append(Agreement(metric, tau, len(taus), min(sizes, default=0), _first(list(own.values()))))
    return result


def _shares(lines: Sequence[Row], references: Collection[str]) -> dict[str, float]:
    """By contestant, the share of the way from chance to the truth; empty where there is no such way."""
    found = {}
    for row in lines:
        low, high, value = row["floor"], row["ceiling"], row["mean"]
        known = None not in (low, high, value) and abs(high - low) > 1e-9 * max(abs(low), abs(high))
        if known and row["method"] not in references:
            found[row["method"]] = (value - low) / (high - low)
    return found


def _first(shares: Sequence[dict[str, float]]) -> str | None:
    everywhere = set.intersection(*(set(found) for found in shares)) if shares else set()
    return max(sorted(everywhere), key=lambda name: sum(found[name] for found in shares), default=None)
