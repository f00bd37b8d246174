"""A board's configuration, run again in a folder of its own, and compared row by row.

    rerun(kept, work, only=["attribution/blockmnist"], cores=2) -> the folder of the new board
    agreement(kept.scores, again.scores)                        -> a row for each row of either: how they agree

Subjects are trained anew; nothing of the board but its configuration is used. On the machine and the versions of the
first run every row is equal to the last bit, but where a method's own limits of time decide. Elsewhere sums are taken
in another order, so a row agrees where nobody would quote the difference: by `TOLERANCE` of the way from chance to the
planted truth.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from benchmark.artifacts import write_bytes
from benchmark.boards.kept import Kept
from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.layout import Layout
from benchmark.registry import PROJECT, Registry, plugins
from benchmark.seeds import VARIABLE
from benchmark.statistics.rows import KEY

TOLERANCE = 1e-3
"""As a share of the way from floor to ceiling; of the value itself where there is no such way."""
NUMBERS = ("value", "floor", "blind", "ceiling", "skill", "chance_skill")
HOW = ("equal to the last bit", "within tolerance", "different", "missing in the new run", "only in the new run")
"""The ways in which two boards' rows can agree, best first."""
SHOWN = 10


def settings(kept: Kept, only: Collection[str] = (), registry: Registry | None = None) -> dict[str, Any]:
    """The profile that runs what the board ran and nothing that was added since; `only` some of its tasks.

    Raises:
        UnknownNameError: the board has no task of that name.
    """
    registry = registry or plugins()
    configuration = kept.provenance["configuration"]
    resolved: Mapping[str, Any] = configuration["resolved_tasks"]
    tasks = {task_id.replace(".", "/", 1): given for task_id, given in resolved.items()}
    wanted = sorted({_task(name, tasks) for name in only} or tasks)
    ran: dict[str, set[str]] = {}
    for task in wanted:
        ran.setdefault(task.partition("/")[0], set()).update(name.partition("@")[0] for name in tasks[task]["methods"])
    added = [
        f"method:{plugin.key}"
        for family, names in sorted(ran.items())
        for plugin in registry.of("method", family)
        if plugin.name not in names
    ]
    profile = {key: value for key, value in configuration.items() if not key.startswith("resolved_")}
    if profile.pop("sealed", False):
        profile["seeds"] = {"sealed": len(profile["seeds"])}
    return profile | {"only": wanted, "exclude": sorted({*profile.get("exclude", ()), *added})}


def _task(name: str, tasks: Collection[str]) -> str:
    """The full name of a task of the board."""
    found = [task for task in tasks if name.replace(".", "/", 1) in (task, task.partition("/")[2])]
    if len(found) != 1:
        raise UnknownNameError("task", name, tasks, where="this board")
    return found[0]


def rerun(kept: Kept, work: Path, *, only: Collection[str] = (), cores: int = 1) -> Path:
    """Run the board's configuration by the workflow below the folder `work`; the folder of the new board.

    A run that was stopped goes on there. Raises `TouchstoneError` where the workflow cannot be run to its end.
    """
    snakefile = PROJECT / "Snakefile"
    if not snakefile.is_file():
        raise TouchstoneError(f"there is no {snakefile}: a board is reproduced in a checkout of the project")
    profile = settings(kept, only)
    path = work.resolve() / f"{profile['name']}.yaml"
    write_bytes(path, yaml.safe_dump(profile, sort_keys=False, allow_unicode=True).encode())
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--directory", str(path.parent)]
    command += ["--cores", str(cores), "--quiet", "host", "--config", f"profile={path}"]
    answer = subprocess.run(command, env=os.environ | _secret(kept), check=False)
    if answer.returncode:
        raise TouchstoneError(f"the run in {work} did not end well; the same command goes on where it stopped")
    return Layout(profile["name"], path.parent).leaderboard


def _secret(kept: Kept) -> dict[str, str]:
    """What the run's environment needs to plant the seeds of a sealed board again."""
    sealed = kept.provenance.get("sealed")
    return {VARIABLE: sealed["secret"]} if sealed else {}


def agreement(old: pd.DataFrame, new: pd.DataFrame, tolerance: float = TOLERANCE) -> pd.DataFrame:
    """A row for each row of either table, with its key, `how` it agrees (see `HOW`), `value_old`, `value_new` and
    `difference`, the greatest of its numbers' differences on the scale of `tolerance`; the worst first.

    Status and all of `NUMBERS` must agree; what a row cost is not looked at.
    """
    both = old.merge(new, how="outer", on=KEY, suffixes=("_old", "_new"), indicator=True)
    way = (both["ceiling_old"] - both["floor_old"]).abs()
    span = way.where(way > 0, both["value_old"].abs()).fillna(1.0).clip(lower=1e-12)
    difference, equal = np.zeros(len(both)), (both["status_old"] == both["status_new"]).fillna(False).to_numpy(bool)
    same_status = equal.copy()
    for name in NUMBERS:
        one, other = (both[f"{name}_{when}"].to_numpy(dtype=np.float64) for when in ("old", "new"))
        here = (one == other) | (np.isnan(one) & np.isnan(other))
        scale = 1.0 if name in ("skill", "chance_skill") else span.to_numpy()
        apart = np.where(here, 0.0, np.nan_to_num(np.abs(one - other) / scale, nan=np.inf))
        difference, equal = np.maximum(difference, apart), equal & here
    close = same_status & (difference <= tolerance)
    lost, added = (both["_merge"] == side for side in ("left_only", "right_only"))
    how = np.select([lost, added, equal, close], [HOW[3], HOW[4], HOW[0], HOW[1]], default=HOW[2])
    found = both[[*KEY, "status_old", "status_new", "value_old", "value_new"]].assign(how=how, difference=difference)
    place = found["how"].map({name: at for at, name in enumerate(HOW)})
    order = pd.DataFrame({"place": -place, "size": -found["difference"]}).sort_values(["place", "size"], kind="stable")
    return found.loc[order.index].reset_index(drop=True)


def lines(found: pd.DataFrame) -> Iterator[str]:
    """How many rows of each task agree in which way, and the rows that differ most."""
    for (family, task), own in found.groupby(["family", "task"], sort=True):
        counts = own["how"].value_counts()
        yield f"{family}/{task}: " + ", ".join(f"{counts[how]} rows {how}" for how in HOW if how in counts.index)
    worst = found[found["how"].isin(HOW[2:]) | found["how"].eq(HOW[1]) & found["difference"].gt(0)]
    for row in worst.head(SHOWN).itertuples():
        place = f"{row.family}/{row.task}, {row.variant}, {row.method}, seed {row.seed}, {row.metric}"
        yield f"  {row.how}: {place}: {_shown(row, 'old')} -> {_shown(row, 'new')}"
    if len(worst) > SHOWN:
        yield f"  and {len(worst) - SHOWN} more"


def _shown(row: Any, when: str) -> str:
    status, value = getattr(row, f"status_{when}"), getattr(row, f"value_{when}")
    return "nothing" if pd.isna(status) else f"{value:.17g}" if status == "ok" else str(status)


def agrees(found: pd.DataFrame) -> bool:
    """Whether every row agrees, to the last bit or within the tolerance."""
    return bool(found["how"].isin(HOW[:2]).all())


def departures(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """In what two runs differ that may move numbers: settings, code, versions, hardware."""
    one, other = old["configuration"], new["configuration"]
    for kind in ("resolved_subjects", "resolved_tasks"):
        for name in sorted(other.get(kind, {})):
            if one.get(kind, {}).get(name) != other[kind][name]:
                yield f"the resolved settings of {kind.removeprefix('resolved_').removesuffix('s')} {name} differ"
    for key in ("commit", "dirty", "engine", "device", "hardware"):
        if old.get(key) != new.get(key):
            yield f"{key}: {old.get(key)} -> {new.get(key)}"
    versions = [source.get("versions", {}) for source in (old, new)]
    for name in sorted(versions[0].keys() | versions[1].keys()):
        if versions[0].get(name) != versions[1].get(name):
            yield f"{name}: {versions[0].get(name)} -> {versions[1].get(name)}"
