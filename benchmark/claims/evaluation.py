"""What the scores say about claims: effects, intervals and verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.claims.files import Calibration, Claim, Expectation, Published, Selector
from benchmark.errors import unknown
from benchmark.statistics.intervals import Estimate, sample
from benchmark.statistics.rows import KEY, TEXTS, plain_texts

Verdict = Literal["reproduced", "not reproduced", "undecided", "out of regime", "not testable here"]

COLUMNS = ("claim", "source", "tasks", "effect", "ci_low", "ci_high", "verdict")
EXTRAS = ("statement", "expect", "margin", "margin_from", "published", "seeds", "reason", "finding")


def verdict(low: float, high: float, margin: float, expect: Expectation) -> Verdict:
    """What an interval says about an effect expected above, below or within a margin; touching it decides nothing."""
    if expect == "within":
        if -margin < low and high < margin:
            return "reproduced"
        return "not reproduced" if low > margin or high < -margin else "undecided"
    above, below = low > margin, high < margin
    if not above and not below:
        return "undecided"
    return "reproduced" if above == (expect == "above") else "not reproduced"


class _Unknowable(Exception):
    """Why a claim cannot be evaluated: its `reason`, and not a fault."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def evaluate(claims: Sequence[Claim], scores: pd.DataFrame) -> pd.DataFrame:
    """One row for every claim, in order: `COLUMNS`, then `EXTRAS`. `scores` is the long table (see `benchmark.tables`).

    effect is left - right averaged over seeds, ci_low and ci_high its 95 % interval over seeds (paired where both
    sides have the same seeds, else Welch's; see `benchmark.statistics.intervals`). The three are NaN for want of rows;
    `reason` says which. A claim that is out of its regime or not testable here keeps its effect, for a reader to look
    at, and has that verdict whatever the effect is.
    """
    table = []
    rows = _Table(scores)
    for claim in claims:
        effect = low = high = np.nan
        decided: Verdict = "undecided"
        seeds, reason = 0, ""
        try:
            estimate, seeds = _effect(claim, rows)
        except _Unknowable as error:
            reason = error.reason
        else:
            effect = float(estimate.mean[0])
            low, high = (float(end[0]) for end in estimate.interval())
            decided = verdict(low, high, claim.margin, claim.expect)
            if not np.isfinite(low):
                reason = "one seed has no spread, so there is no interval"
            elif decided == "undecided":
                reason = "the interval holds the margin"
            elif decided == "not reproduced":
                reason = claim.fails_because
        if claim.out_of_regime or claim.not_testable:
            decided = "out of regime" if claim.out_of_regime else "not testable here"
            reason = claim.out_of_regime or claim.not_testable
        table.append(
            {
                "claim": claim.name,
                "source": claim.source,
                "tasks": ", ".join(sorted({f"{side.family}/{side.task}" for side in claim.selectors})),
                "effect": effect,
                "ci_low": low,
                "ci_high": high,
                "verdict": decided,
                "statement": claim.statement,
                "expect": claim.expect,
                "margin": claim.margin,
                "margin_from": claim.margin_from,
                "published": _published(claim.published),
                "seeds": seeds,
                "reason": reason,
                "finding": claim.finding,
            }
        )
    return pd.DataFrame(table, columns=[*COLUMNS, *EXTRAS])


NUMBERS = ("value", "chance_skill", "floor", "ceiling")
ASKED = ("status", "reason", "certified", *NUMBERS)
"""What claims are about, beside the key of a row."""


@dataclass(frozen=True)
class _Rows:
    """Some rows of the long table, an array for each column: a claim asks for few, and a frame costs more than they."""

    columns: Mapping[str, NDArray[Any]]

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self.columns[column]

    def __len__(self) -> int:
        return len(self.columns["seed"])

    def where(self, chosen: NDArray[Any]) -> _Rows:
        """Those under a mask or at these places."""
        return _Rows({name: values[chosen] for name, values in self.columns.items()})

    def narrow(self, column: str, name: str) -> _Rows:
        """Those with a name in a column; `_Unknowable` where there are none, which says what there is."""
        found = self.where(self[column] == name)
        if not len(found):
            raise _Unknowable("no scores: " + unknown(column, name, list(dict.fromkeys(self[column]))))
        return found


class _Table:
    """The long table, and where the rows of each method on each variant lie."""

    def __init__(self, scores: pd.DataFrame) -> None:
        rows = scores[[*KEY, *(name for name in ASKED if name in scores.columns)]]
        plain = rows.assign(
            **{name: plain_texts(rows[name]) for name in TEXTS if name in rows.columns},
            **{name: pd.to_numeric(rows[name], errors="coerce") for name in NUMBERS if name in rows.columns},
        )
        plain = plain.astype({name: "float64" for name in NUMBERS if name in plain.columns})
        self.whole = _Rows({str(name): column.to_numpy() for name, column in plain.items()})
        self.places = plain.groupby(["family", "task", "variant", "method"], sort=False).indices

    def of(self, selector: Selector, method: str) -> _Rows:
        """The rows of one method; `_Unknowable` where there are none, which says what name has none."""
        asked = {"family": selector.family, "task": selector.task, "variant": selector.variant, "method": method}
        places = self.places.get(tuple(asked.values()))
        if places is not None:
            return self.whole.where(np.asarray(places))
        rows = self.whole
        for column, name in asked.items():
            rows = rows.narrow(column, name)
        return rows


def _published(figures: Published) -> str:
    parts = [
        f"{side} {value:g}" for side, value in (("left", figures.left), ("right", figures.right)) if value is not None
    ]
    return "; ".join([*parts, *([figures.note] if figures.note else [])])


def _effect(claim: Claim, scores: _Table) -> tuple[Estimate, int]:
    """Left minus right over seeds, and how many seeds the smaller side has."""
    left, right = _side(claim.left, claim, scores), _side(claim.right, claim, scores)
    if isinstance(left, float) or isinstance(right, float) or set(left) == set(right):
        seeds = sorted(
            (set() if isinstance(left, float) else set(left)) | (set() if isinstance(right, float) else set(right))
        )
        difference = [_at(left, seed) - _at(right, seed) for seed in seeds]
        return sample(difference), len(seeds)
    apart = sample([left[seed] for seed in sorted(left)]).minus(sample([right[seed] for seed in sorted(right)]))
    return apart, min(len(left), len(right))


def _at(side: dict[int, float] | float, seed: int) -> float:
    return side if isinstance(side, float) else side[seed]


def _side(side: Selector | Calibration | float, claim: Claim, scores: _Table) -> dict[int, float] | float:
    """The side's score at each seed, or a number that is the same at all."""
    if isinstance(side, float):
        return side
    if isinstance(side, Calibration):
        if claim.score == "skill":
            return 0.0 if side.reference == "floor" else 1.0
        other = claim.selectors[0]
        return _by_seed(other, scores, side.reference, "mean")
    column = "chance_skill" if claim.score == "skill" else "value"  # papers know no blind mark
    return _by_seed(side, scores, column, side.pick or "mean")


def _by_seed(selector: Selector, scores: _Table, column: str, pick: str) -> dict[int, float]:
    """Column `column` of the selected rows at each seed, the methods combined by `pick`."""
    found = [_rows(selector, method, scores) for method in selector.methods]
    for method, rows in zip(selector.methods, found, strict=True):
        bad = rows.where(~np.isfinite(rows[column]))
        if len(bad):
            raise _Unknowable(
                f"{_name(selector, method)}: {column} of {selector.metric} is not a number at {_seeds(bad)}"
            )
        lacking = {int(seed) for each in found for seed in each["seed"]} - {int(seed) for seed in rows["seed"]}
        if lacking:
            raise _Unknowable(f"{_name(selector, method)}: no row for seeds {', '.join(map(str, sorted(lacking)))}")
    if len(found) == 1:
        return dict(zip(found[0]["seed"].tolist(), found[0][column].tolist(), strict=True))
    parts = [pd.DataFrame({name: rows[name] for name in ("seed", "method", column)}) for rows in found]
    values = pd.concat(parts).sort_values(["seed", "method"]).groupby("seed")[column].agg(pick)
    return {int(seed): float(value) for seed, value in zip(values.index.tolist(), values.tolist(), strict=True)}


def _rows(selector: Selector, method: str, scores: _Table) -> _Rows:
    """The rows of one method in one metric, all measured, on subjects that passed their certificates; `_Unknowable`
    otherwise.

    Whether a variant is ranked does not matter: one that leaves no room above blind still says what it says. What other
    metrics have of the same explanations does not matter either, unless there is nothing of this one.
    """
    rows = scores.of(selector, method)
    own = np.isin(rows["metric"], (selector.metric, selector.metric.partition("@")[0]))
    rows = rows.where(own) if own.any() else rows
    failed = rows.where(rows["status"] != "ok")
    if len(failed):
        first = int(np.argmin(failed["seed"]))
        reason = failed["reason"][first]
        why = f" ({reason})" if isinstance(reason, str) and reason else ""
        raise _Unknowable(f"{_name(selector, method)}: {failed['status'][first]} at {_seeds(failed)}{why}")
    rows = rows.narrow("metric", selector.metric)
    unsound = rows.where(~rows["certified"].astype(bool))
    if len(unsound):
        raise _Unknowable(f"{_name(selector, method)}: the subject failed its certificate at {_seeds(unsound)}")
    if len(set(rows["seed"].tolist())) < len(rows):
        raise _Unknowable(f"{_name(selector, method)}: more than one row for a seed")
    return rows


def _name(selector: Selector, method: str) -> str:
    return f"{method} on {selector.family}/{selector.task}[{selector.variant}]"


def _seeds(rows: _Rows) -> str:
    seeds = sorted(set(rows["seed"].tolist()))
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
