"""The tables of the leaderboard, from the long table of scores.

    leaderboard(scores)              one row per family and method
    per_task(scores)                 one row per family, task and method
    metric_table(scores, "task")     every metric of a task: means and spreads
    resolution(scores)               the smallest difference each family's board can show

`scores` has one row per (family, task, variant, method, seed, metric) with the columns of the scores files and three
more: `floor_sd` (standard deviation of one random draw's value), `ranked` (the variant is ranked and its subject
certified) and `reference` (the method is one of the family's references); `subject` is used where it is there. What is
shown does not depend on the order of the rows.

A method that was measured on fewer than half of its family's tasks is a specialist: shown, not ranked with the
generalists. References are shown last; their p-values are their own, uncorrected, for they are controls and not
contestants.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmark.errors import UnknownNameError
from benchmark.statistics import LEVEL, Grid, Layout, chance, compare, estimate, grid, holm, ranked_rows, ranks
from benchmark.statistics.rows import ScoresError, checked

COLUMNS = (
    *("family", "method", "skill", "ci_low", "ci_high", "rank_low", "rank_high", "beats_random", "p_value"),
    *("tasks", "seeds", "failures", "seconds"),
)
EXTRAS = ("unsupported", "specialist", "reference", "model_calls", "peak_memory_mb", "group", "advantage")


def leaderboard(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per (family, method): `COLUMNS`, then `EXTRAS`. Best first; then specialists, then references.

    skill, ci_low, ci_high   mean skill over covered tasks, its 95 % interval over seeds (NaN: no task has two seeds)
    rank_low, rank_high      best and worst rank the data allow among the generalists; missing for all others
    beats_random, p_value    better than chance over seeds and against random draws, Holm-corrected in the family
    tasks, seeds             tasks covered, different seeds
    failures, unsupported    instances (task, variant, seed) that failed or timed out; that the method declined
    seconds, model_calls     mean per instance (over tasks); peak_memory_mb is the greatest of all
    group, advantage         tie group from 1; mean difference to the other generalists on what they share: the order
    """
    rows = ranked_rows(scores)
    boards = []
    for family, part in rows.groupby("family", sort=True):
        whole = grid(part)
        boards.append(_board(part, whole, _specialists(whole)).assign(family=family))
    return _stack(boards, [*COLUMNS, *EXTRAS])


def per_task(scores: pd.DataFrame) -> pd.DataFrame:
    """The leaderboard of each task: the same columns with `task` after `family`.

    All methods that were measured on the task are ranked; `specialist` says what a method is in its family.
    """
    rows = ranked_rows(scores)
    boards = []
    for family, part in rows.groupby("family", sort=True):
        specialists = _specialists(grid(part))
        for task, own in part.groupby("task", sort=True):
            board = _board(own, grid(own), frozenset()).assign(family=family, task=task)
            boards.append(board.assign(specialist=board["method"].isin(specialists)))
    return _stack(boards, [COLUMNS[0], "task", *COLUMNS[1:], *EXTRAS])


def resolution(scores: pd.DataFrame) -> pd.DataFrame:
    """How small a difference in skill shows, per family: the median half-width of the interval of a pair's difference.

    `resolution` is for one pair chosen beforehand, `resolution_all` when all `pairs` of generalists are looked at
    together. Smaller differences on the board are ties whatever their order. NaN where no task has two seeds.
    """
    table = []
    for family, part in ranked_rows(scores).groupby("family", sort=True):
        whole = grid(part)
        board = whole.of(_generalists(whole, _specialists(whole)))
        found = compare(board, Layout.of(board.instances))
        known = np.isfinite(found.half_width)
        table.append(
            {
                "family": family,
                "resolution": float(np.median(found.half_width[known])) if known.any() else np.nan,
                "resolution_all": float(np.median(found.half_width_all[known])) if known.any() else np.nan,
                "pairs": int(known.sum()),
                "tasks": int(whole.instances["task"].nunique()),
                "seeds": int(whole.instances["seed"].nunique()),
            }
        )
    return pd.DataFrame(table, columns=["family", "resolution", "resolution_all", "pairs", "tasks", "seeds"])


def metric_table(
    scores: pd.DataFrame, task: str, *, family: str | None = None, variant: str | None = None
) -> pd.DataFrame:
    """All metrics of a task, as raw values: methods x (metric, mean | spread | seeds), primary metric and best first.

    mean is over seeds of the mean over variants, spread the standard deviation over seeds (NaN for one seed). Without
    `variant` the ranked variants are averaged; a named one may be unranked. Only measured values enter (a failure is a
    smaller number of seeds here, and counts at the floor on the leaderboard only). `family` is needed where two
    families have a task of this name.
    """
    table = checked(scores)
    here = table if family is None else table[table["family"] == family]
    own = here[here["task"] == task]
    if own.empty:
        raise UnknownNameError("task", task, set(here["task"]))
    families = sorted(set(own["family"]))
    if len(families) > 1:
        raise ScoresError(
            f"several families have a task {task!r}: say which, family={' or family='.join(map(repr, families))}"
        )
    if variant is not None and variant not in set(own["variant"]):
        raise UnknownNameError("variant", variant, set(own["variant"]), where=f"{families[0]}/{task}")
    own = own[own["ranked"] if variant is None else own["variant"] == variant]
    ok = own[(own["status"] == "ok") & np.isfinite(own["value"])]
    seeds = ok.groupby(["method", "metric", "seed"])["value"].mean()
    wide = seeds.groupby(["method", "metric"]).agg(["mean", "std", "count"]).unstack("metric").swaplevel(axis=1)
    wide = wide.rename(columns={"std": "spread", "count": "seeds"}, level=1)
    first = sorted(set(own.loc[own["primary"], "metric"]))
    metrics = first + sorted(set(own["metric"]) - set(first))
    columns = pd.MultiIndex.from_product([metrics, ["mean", "spread", "seeds"]], names=["metric", None])
    order = list(per_task(own.assign(ranked=True))["method"]) if first else []
    order += sorted(set(own["method"]) - set(order))
    result: pd.DataFrame = wide.reindex(index=pd.Index(order, name="method"), columns=columns)
    return result


def _specialists(whole: Grid) -> frozenset[str]:
    """Names of the methods that were measured on fewer than half of the tasks."""
    tasks = whole.instances["task"].to_numpy()
    total = len(set(tasks))
    covered = [len(set(tasks[np.isfinite(row)])) for row in whole.skill]
    return frozenset(name for name, count in zip(whole.methods, covered, strict=True) if 2 * count < total)


def _generalists(whole: Grid, specialists: frozenset[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """[methods] those that are ranked: no references, no specialists, measured at least once."""
    own = np.array([name not in specialists for name in whole.methods], dtype=np.bool_)
    return own & ~whole.reference & np.isfinite(whole.skill).any(1)


def _board(rows: pd.DataFrame, whole: Grid, specialists: frozenset[str]) -> pd.DataFrame:
    """The board of one family or one task, without the columns that name it."""
    layout = Layout.of(whole.instances)
    means = estimate(whole.skill, layout)
    low, high = means.interval()
    raw = chance(whole, layout)
    p = np.where(whole.reference, raw, holm(np.where(whole.reference, np.nan, raw)))
    board = pd.DataFrame(
        {
            "method": whole.methods,
            "skill": means.mean,
            "ci_low": low,
            "ci_high": high,
            "beats_random": p < 1 - LEVEL,
            "p_value": p,
            "reference": whole.reference,
            "specialist": [name in specialists for name in whole.methods],
        }
    )
    chosen = _generalists(whole, specialists)
    found = compare(whole.of(chosen), layout)
    place = ranks(found, np.argsort(-found.advantage.round(12), kind="stable"))
    for name, values in {"rank_low": place.low, "rank_high": place.high, "group": place.group}.items():
        board[name] = pd.array([pd.NA] * len(board), dtype="Int64")
        board.loc[chosen, name] = values
    board["advantage"] = np.nan
    board.loc[chosen, "advantage"] = found.advantage
    board = board.join(_counts(rows), on="method")
    shown = np.select([board["reference"], ~chosen], [2, 1], default=0)
    best = np.where(chosen, board["advantage"], board["skill"]).round(12)
    order = np.lexsort((board["method"], -np.nan_to_num(best, nan=-np.inf), shown))
    return board.iloc[order]


def _counts(rows: pd.DataFrame) -> pd.DataFrame:
    """Coverage and cost of each method (index)."""
    tried = rows[rows["status"] != "unsupported"]
    counted = rows[rows["skill"].notna()].groupby("method")
    names = pd.Index(sorted(set(rows["method"])), name="method")
    cost = tried.groupby(["method", "task"])[["seconds", "model_calls"]].mean().groupby("method").mean()
    table = pd.DataFrame(
        {
            "tasks": counted["task"].nunique(),
            "seeds": counted["seed"].nunique(),
            "failures": rows.groupby("method")["failed"].sum(),
            "unsupported": (rows["status"] == "unsupported").groupby(rows["method"]).sum(),
        },
        index=names,
    )
    table = table.fillna(0).astype("int64")
    return table.join(cost).join(tried.groupby("method")["peak_memory_mb"].max())


def _stack(boards: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not boards:
        return pd.DataFrame(columns=columns)
    return pd.concat(boards, ignore_index=True)[columns]
