"""Where a method stands on a published board, and the one sentence that may be quoted of it.

    standing = find(board, "attribution/smoothgrad")
    quotation(standing)

Every part of the sentence is a column of the published tables: the skill and its intervals, whether the test against
blind decided, the ranks that the data allow, what failed. What a table leaves open the sentence leaves open too, and
nothing is worked out anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.published import Published
from benchmark.site import text
from benchmark.site.ranking import leaders
from benchmark.site.rows import Row

NAMED = 4
"""So many methods are named in a sentence; of more it says how many there are."""


@dataclass(frozen=True)
class Standing:
    """One method among the rows of its family."""

    board: Published
    row: Row
    family_rows: list[Row]
    task_rows: list[Row]

    @property
    def family(self) -> str:
        """The family's name."""
        return str(self.row["family"])

    @property
    def method(self) -> str:
        """The method's name."""
        return str(self.row["method"])

    @property
    def tasks(self) -> list[str]:
        """All tasks of the family that rank anybody."""
        return list(dict.fromkeys(str(row["task"]) for row in self.task_rows))

    @property
    def own(self) -> list[Row]:
        """The method's rows of single tasks."""
        return [row for row in self.task_rows if row["method"] == self.method]

    @property
    def rising(self) -> bool:
        """Whether the last step up in budget still brought more than its noise."""
        own = [r for r in self.board.budgets if (r["family"], r["method"]) == (self.family, self.method)]
        return bool(own) and own[-1].get("rising") is True


def find(board: Published, name: str) -> Standing:
    """A method of a board by its name or `family/name`.

    Raises:
        UnknownNameError: the board has no such method.
        TouchstoneError: several families have one of that name.
    """
    family, _, method = name.rpartition("/")
    found = [r for r in board.leaderboard if r["method"] == method and family in ("", r["family"])]
    if not found:
        known = sorted({str(r["method"]) for r in board.leaderboard if family in ("", r["family"])})
        families = sorted({str(r["family"]) for r in board.leaderboard})
        if family and family not in families:
            raise UnknownNameError("family", family, families, where=f"the board {board.profile}")
        raise UnknownNameError("method", method, known, where=f"the board {board.profile}")
    if len(found) > 1:
        keys = ", ".join(f"{row['family']}/{row['method']}" for row in found)
        raise TouchstoneError(f"method {name!r} is ambiguous on the board {board.profile}: say which of {keys}")
    own = str(found[0]["family"])
    return Standing(
        board,
        found[0],
        [row for row in board.leaderboard if row["family"] == own],
        [row for row in board.tasks if row["family"] == own],
    )


def ranked(rows: Iterable[Row]) -> list[Row]:
    """The rows that have a rank."""
    return [row for row in rows if row.get("rank_low") is not None]


def quotation(standing: Standing) -> str:
    """The sentence: where, how high, over what, above blind or not, which rank, and what speaks against it."""
    row = standing.row
    if row.get("skill") is None:
        return f"{_where(standing)}, {standing.method} has no score: it declined or could not be measured."
    parts = [f"{_where(standing)}, {standing.method}{_status(row)} has {_skill(standing)}"]
    parts += [_above_blind(row), _rank(standing), *_drawbacks(standing)]
    return "; ".join(part for part in parts if part) + "."


def _where(standing: Standing) -> str:
    origin = standing.board.provenance
    commit, finished = origin.get("commit"), str(origin.get("finished") or "")[:10]
    known = [f"profile {standing.board.profile}"]
    if commit:
        known.append(f"commit {str(commit)[:10]}" + (" with uncommitted changes" if origin.get("dirty") else ""))
    known += [finished] if finished else []
    return f"On Touchstone's {standing.family} tasks ({', '.join(known)})"


def _status(row: Row) -> str:
    return ", a reference and no contestant," if row.get("reference") is True else ""


def _skill(standing: Standing) -> str:
    row = standing.row
    intervals = []
    if row.get("ci_low") is not None and row.get("ci_high") is not None:
        intervals.append(f"{_between(row['ci_low'], row['ci_high'])} over retraining")
    if row.get("wide_low") is not None and row.get("wide_high") is not None:
        intervals.append(f"{_between(row['wide_low'], row['wide_high'])} over {row.get('wide_over') or 'questions'}")
    interval = f"95 % interval {' and '.join(intervals)}" if intervals else "without an interval"
    covered, total = int(row.get("tasks") or 0), len(standing.tasks)
    tasks = f"{covered} task{'s' * (covered != 1)}" if covered >= total else f"{covered} of {total} tasks"
    return (
        f"a mean skill of {text.fixed(row['skill'])} ({interval}; 0 is what needs no look at the model, "
        f"1 the planted truth) over {tasks} and {_seeds(standing)}"
    )


def _between(low: Any, high: Any) -> str:
    return f"{text.fixed(low)} to {text.fixed(high)}"


def _seeds(standing: Standing) -> str:
    counts = {int(row["seeds"]) for row in standing.own if row.get("seeds") and row.get("skill") is not None}
    counts = counts or {int(standing.row.get("seeds") or 0)}
    low, high = min(counts), max(counts)
    return f"{low} seed{'s' * (low != 1)}" if low == high else f"{low} to {high} seeds a task"


def _above_blind(row: Row) -> str:
    p = row.get("p_value")
    shown = (
        ""
        if p is None
        else f" (p {_equals(p)}{'' if row.get('reference') is True else ', corrected for all methods of the family'})"
    )
    if row.get("beats_blind") is True:
        return f"it is above what needs no look at the model{shown}"
    if row.get("beats_blind") is None:
        return "so few runs cannot tell whether it is above what needs no look at the model"
    if row.get("ci_high") is not None and row["ci_high"] < 0:
        return "it is below what needs no look at the model"
    return f"it is not shown to be above what needs no look at the model{shown}"


def _equals(p: Any) -> str:
    shown = text.probability(p)
    return shown if shown.startswith("<") else f"= {shown}"


def _rank(standing: Standing) -> str:
    """Its place among the ranked; nobody who is not above blind is called first or best."""
    row, everyone = standing.row, ranked(standing.family_rows)
    if row.get("reference") is True:
        return ""
    if row.get("rank_low") is None or row.get("rank_high") is None:
        specialist = row.get("specialist") is True
        return "it is not ranked" + (", as it answers under half of the tasks" if specialist else "")
    low, high, total = int(row["rank_low"]), int(row["rank_high"]), len(everyone)
    if total == 1:
        return "no other method is ranked"
    if (low, high) == (1, total):
        return f"this run does not tell its rank among {total} methods"
    others = [str(one["method"]) for one in leaders(everyone) if one["method"] != standing.method]
    if low == 1 and row.get("beats_blind") is True:
        if high == 1:
            return f"it ranks first of {total} methods"
        tied = f"tied with {_listed(others)}" if others else "not told apart from the next"
        return f"it may be the best, but is {tied} (ranks 1 to {high} of {total})"
    place = f"its rank is {low if low == high else f'{low} to {high}'} of {total} methods"
    best = [str(one["method"]) for one in leaders(everyone)]
    return f"{place}, of which {_listed(best)} may be the best" if low > 1 and best else place


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _drawbacks(standing: Standing) -> list[str]:
    failures, declined = int(standing.row.get("failures") or 0), int(standing.row.get("unsupported") or 0)
    found = []
    if failures:
        found.append(f"{failures} of its runs failed and count{'s' * (failures == 1)} as chance")
    if declined:
        found.append(f"it declined {declined} run{'s' * (declined != 1)}, which do{'es' * (declined == 1)} not count")
    if standing.rising:
        found.append("at the largest budget its skill was still rising")
    return found
