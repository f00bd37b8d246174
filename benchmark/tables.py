"""The tables of the leaderboard, from the long table of scores.

    leaderboard(scores)              one row per family and method
    per_task(scores)                 one row per family, task and method
    per_variant(scores)              one row per family, task, variant and method
    metric_rows(scores)              every metric of every task: means and spreads
    resolution(scores)               the smallest difference each family's board can show

`scores` has one row per (family, task, variant, method, seed, metric) with the columns of the scores files; of those
beyond the contract it uses `floor_sd` (standard deviation of one random draw's value), `ranked` (the variant is ranked
and its subject certified), `reference` (the method is one of the family's references) and `control` (it sets the blind
mark); `subject` and `twin` (the variant that asks the same of random weights) are used where they are there. What is
shown does not depend on the order of the rows. Whoever makes several tables ranks the rows once, `Ranked(rows)`.

A method that was measured on fewer than half of its family's tasks is a specialist: shown, not ranked with the
generalists. References are shown last. They are tested like methods, each on its own: they are no contestants, for
whose number p-values are corrected.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmark.statistics.comparisons import Comparison, above, by_luck, compare, ranks
from benchmark.statistics.intervals import LEVEL, estimate
from benchmark.statistics.nesting import Array, Nesting, draws_of, lone
from benchmark.statistics.rows import Grid, Ranked, as_ranked, checked, grid, gridded
from benchmark.statistics.signs import support
from benchmark.statistics.wide import over_questions, units_of

COLUMNS = (
    *("family", "method", "skill", "ci_low", "ci_high", "rank_low", "rank_high", "beats_blind", "beats_random"),
    *("p_value",),
    *("tasks", "seeds", "failures", "seconds"),
)
EXTRAS = (
    *("chance_skill", "unsupported", "specialist", "reference", "model_calls", "peak_memory_mb", "group", "advantage"),
    *("above_untrained", "above_untrained_low", "above_untrained_high", "beats_untrained"),
    *("wide_low", "wide_high", "wide_over"),
)


Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


def leaderboard(scores: pd.DataFrame | Ranked) -> pd.DataFrame:
    """One row per (family, method): `COLUMNS`, then `EXTRAS`. Best first; then specialists, then references.

    skill, ci_low, ci_high   mean skill over covered tasks, and its 95 % interval over retraining: these variants, other
                             seeds (of the method and of the control that sets the null). NaN where a covered task has
                             one seed
    wide_low, wide_high      its 95 % interval over questions: other tasks like these, or other variants like these
                             where there is one task; `wide_over` says which (see `benchmark.statistics.wide`)
    rank_low, rank_high      best and worst rank the data allow among the generalists; missing for all others
    beats_blind, p_value     above the higher of chance and blind: over seeds, paired with the control seed by seed, and
                             against random draws; corrected in the family. beats_blind is missing where so few
                             runs (below six) cannot tell, p_value where a covered task has one seed
    beats_random             the same from chance alone; chance_skill is the mean from there
    tasks, seeds             tasks covered, different seeds
    failures, unsupported    instances (task, variant, seed) that failed or timed out; that the method declined
    seconds, model_calls     mean per instance (over tasks); peak_memory_mb is the greatest of all. Seconds are of
                             processor time, which other work on the machine does not lengthen; by the clock on a GPU
    group, advantage         tie group from 1; mean difference to the other generalists on what they share: the order
    above_untrained          chance_skill minus the same method's on random weights, over the variants with such a twin,
                             and its 95 % interval (_low, _high): what a method that ignores the training also earns is
                             0 here; beats_untrained: above 0, corrected in the family; missing for references,
                             without a twin, and where so few runs cannot tell
    """
    rows, boards = as_ranked(scores), []
    for family, part in gridded(rows).groupby("family", sort=True):
        whole = grid(part)
        boards.append(_board(whole, _specialists(whole)).assign(family=family))
    return _stack(boards, rows, ["family"])


def per_task(scores: pd.DataFrame | Ranked) -> pd.DataFrame:
    """The leaderboard of each task: the same columns with `task` after `family`.

    All methods that were measured on the task are ranked; `specialist` says what a method is in its family.
    """
    rows, boards = as_ranked(scores), []
    for family, part in gridded(rows).groupby("family", sort=True):
        whole = grid(part)
        specialists = _specialists(whole)
        for (task,), own in whole.parts(part, ["task"]):
            board = _board(own, frozenset())
            boards.append(board.assign(family=family, task=task, specialist=board["method"].isin(specialists)))
    return _stack(boards, rows, ["family", "task"])


def per_variant(scores: pd.DataFrame | Ranked) -> pd.DataFrame:
    """The leaderboard of each ranked variant: the same columns with `task` and `variant` after `family`.

    All methods that were measured on the variant are ranked.
    """
    rows, boards = as_ranked(scores), []
    for family, part in gridded(rows).groupby("family", sort=True):
        for (task, variant), own in grid(part).parts(part, ["task", "variant"]):
            boards.append(_board(own, frozenset()).assign(family=family, task=task, variant=variant))
    return _stack(boards, rows, ["family", "task", "variant"])


def resolution(scores: pd.DataFrame | Ranked) -> pd.DataFrame:
    """How small a difference in skill shows, per family: the median half-width of the interval of a pair's difference.

    `resolution` is for one pair chosen beforehand, `resolution_all` when all `pairs` of generalists are looked at
    together, of which `resolved` are told apart. Smaller differences on the board are ties whatever their order.
    `draws` are the independent pairs of subject and seed, `support` the smallest p-value that so many support. NaN
    where a task has one seed, or where so few draws support no statement at 5 %.
    """
    table = []
    for family, part in as_ranked(scores).groupby("family", sort=True):
        board, nesting, found = _contest(grid(part))
        told, draws = not lone(board.skill, nesting).any(), nesting.draw.shape[1]
        known = np.isfinite(found.half_width) & (support(draws) < 1 - LEVEL)
        table.append(
            {
                "family": family,
                "resolution": float(np.median(found.half_width[known])) if known.any() else np.nan,
                "resolution_all": float(np.median(found.half_width_all[known])) if known.any() else np.nan,
                "pairs": len(found.half_width),
                "resolved": int(found.better.sum()),
                "tasks": int(board.instances["task"].nunique()),
                "seeds": int(board.instances["seed"].nunique()),
                "draws": draws,
                "support": support(draws) if told else np.nan,
            }
        )
    columns = ["family", "resolution", "resolution_all", "pairs", "resolved", "tasks", "seeds", "draws", "support"]
    return pd.DataFrame(table, columns=columns)


def _contest(whole: Grid) -> tuple[Grid, Nesting, Comparison]:
    """The generalists of a family's grid, its nesting, and how they compare."""
    nesting = whole.nesting
    board = whole.of(_generalists(whole, _specialists(whole)))
    return board, nesting, compare(board, nesting)


def board_notes(scores: pd.DataFrame | Ranked) -> dict[str, dict[str, float | int | str]]:
    """What the page says beside a family's ranking: what this run can tell apart, on how many clusters, and why."""
    rows = as_ranked(scores)
    clusters = rows.drop_duplicates(["family", "task", "seed"])["family"].value_counts().to_dict()
    return {
        row["family"]: {
            "resolution": row["resolution"],
            "clusters": int(clusters[row["family"]]),
            "resolved": _resolved(row["resolved"], row["pairs"], row["draws"], row["support"]),
        }
        for row in resolution(scores).to_dict("records")
    }


def _resolved(resolved: int, pairs: int, draws: int, smallest: float) -> str:
    """A sentence on how many pairs of methods are told apart, and on what keeps the others together."""
    if np.isnan(smallest):
        return "A task ran on one seed: nothing is inferred of a method that covers it"
    if smallest >= 1 - LEVEL:
        return (
            f"{draws} independent runs support no p-value below {smallest:.2g}, so no method is told apart from blind "
            "or from another one here; it takes six"
        )
    return f"{resolved} of {pairs} pairs of methods are told apart"


def metric_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """Every metric as raw values: a row per (family, task, variant, method, metric), with `mean` over `n` seeds.

    `spread` is the standard deviation over seeds (NaN for one seed); `floor`, `blind` and `ceiling` are means over the
    same seeds. Only measured values enter: a failure is a smaller `n` here, and counts at the floor on the leaderboard
    only.
    """
    table = checked(scores)
    ok = table[(table["status"] == "ok") & np.isfinite(table["value"])]
    groups = ok.groupby(["family", "task", "variant", "method", "metric", "primary"], sort=True)
    summary: pd.DataFrame = groups.agg(
        mean=("value", "mean"),
        spread=("value", "std"),
        floor=("floor", "mean"),
        blind=("blind", "mean"),
        ceiling=("ceiling", "mean"),
        n=("value", "count"),
    )
    return summary.reset_index()


def _specialists(whole: Grid) -> frozenset[str]:
    """Names of the methods that were measured on fewer than half of the tasks."""
    tasks = whole.instances["task"].to_numpy()
    total = len(set(tasks))
    covered = [len(set(tasks[np.isfinite(row)])) for row in whole.skill]
    return frozenset(name for name, count in zip(whole.methods, covered, strict=True) if 2 * count < total)


def _generalists(whole: Grid, specialists: frozenset[str]) -> Mask:
    """[methods] those that are ranked: no references, no specialists, measured at least once."""
    own = np.array([name not in specialists for name in whole.methods], dtype=np.bool_)
    return own & ~whole.reference & np.isfinite(whole.skill).any(1)


def _board(whole: Grid, specialists: frozenset[str]) -> pd.DataFrame:
    """The board of one family, task or variant, without the columns that name it and what `_counts` counts."""
    nesting = whole.nesting
    mean = estimate(whole.skill, nesting).mean
    half = estimate(whole.with_luck_of_null, nesting).half_width()
    questions = over_questions(whole.skill, nesting)
    wide = questions.half_width()
    p, p_random = _above_null(whole, nesting), _above_null(whole.from_chance, nesting)
    chosen = _generalists(whole, specialists)
    found = compare(whole.of(chosen), nesting)
    place = ranks(found, np.argsort(-found.advantage.round(12), kind="stable"))
    advantage = np.full(len(chosen), np.nan)
    advantage[chosen] = found.advantage
    board = pd.DataFrame(
        {
            "method": whole.methods,
            "skill": mean,
            "ci_low": mean - half,
            "ci_high": mean + half,
            "beats_blind": _significant(p, whole.skill, nesting),
            "beats_random": _significant(p_random, whole.skill, nesting),
            "p_value": p,
            "chance_skill": estimate(whole.chance, nesting).mean,
            "reference": whole.reference,
            "specialist": [name in specialists for name in whole.methods],
            "wide_low": mean - wide,
            "wide_high": mean + wide,
            "wide_over": pd.array(units_of(whole.skill, nesting, questions), dtype="string"),
            "rank_low": _among(chosen, place.low),
            "rank_high": _among(chosen, place.high),
            "group": _among(chosen, place.group),
            "advantage": advantage,
            **_above_untrained(whole, nesting),
        }
    )
    shown = np.select([whole.reference, ~chosen], [2, 1], default=0)
    best = np.where(chosen, advantage, mean).round(12)
    order = np.lexsort((np.array(whole.methods), -np.nan_to_num(best, nan=-np.inf), shown))
    return board.iloc[order]


def _among(chosen: Mask, values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pd.arrays.IntegerArray:
    """A column with values for the rows under a mask only."""
    column = np.zeros(len(chosen), dtype=np.int64)
    column[chosen] = values
    return pd.arrays.IntegerArray(column, ~chosen)


def _above_null(whole: Grid, nesting: Nesting) -> Array:
    """P-values of "no better than the null" on the grid's scale: corrected for the number of methods, and those of
    references their own."""
    luck, values = by_luck(whole, nesting), whole.above_dark
    contestants = np.flatnonzero(~whole.reference)
    p = above(values, nesting, luck, together=False)
    p[contestants] = above(values[contestants], nesting, luck[contestants])
    return p


def _significant(p: Array, values: Array, nesting: Nesting) -> pd.arrays.BooleanArray:
    """Whether the p-values of rows are significant; missing where none could be, on so few draws or without any."""
    least = np.array([support(int(draws)) for draws in draws_of(values, nesting)])
    return pd.arrays.BooleanArray(p < 1 - LEVEL, np.isnan(p) | (least >= 1 - LEVEL))


def _above_untrained(whole: Grid, nesting: Nesting) -> dict[str, Any]:
    """The columns about the second null, the same method on random weights."""
    gains = estimate(whole.gain, nesting)
    low, high = gains.interval()
    p = above(np.where(whole.reference[:, None], np.nan, whole.gain), nesting)
    return {
        "above_untrained": gains.mean,
        "above_untrained_low": low,
        "above_untrained_high": high,
        "beats_untrained": _significant(p, whole.gain, nesting),
    }


def _counts(rows: pd.DataFrame, board: list[str]) -> pd.DataFrame:
    """Coverage and cost of each method of each board, by the columns that name a board and the method (index)."""
    key = [*board, "method"]
    tried = rows[rows["status"] != "unsupported"]
    counted = rows[rows["skill"].notna()].groupby(key)
    every = rows.assign(unsupported=rows["status"] == "unsupported").groupby(key)
    cost = tried.groupby([*key, *({"task"} - {*board})])[["seconds", "model_calls"]].mean().groupby(key).mean()
    table = pd.DataFrame(
        {
            "tasks": counted["task"].nunique(),
            "seeds": counted["seed"].nunique(),
            "failures": every["failed"].sum(),
            "unsupported": every["unsupported"].sum(),
        },
        index=every.size().index,
    )
    table = table.fillna(0).astype("int64")
    return table.join(cost).join(tried.groupby(key)["peak_memory_mb"].max())


def _stack(boards: list[pd.DataFrame], rows: pd.DataFrame, named: list[str]) -> pd.DataFrame:
    """All boards in one table, each named by these columns, with what `_counts` counts in their rows."""
    columns = [*named, *COLUMNS[1:], *EXTRAS]
    if not boards:
        return pd.DataFrame(columns=columns)
    return pd.concat(boards, ignore_index=True).join(_counts(rows, named), on=[*named, "method"])[columns]
