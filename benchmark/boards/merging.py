"""Boards of one profile that ran in parts, on other days or machines, joined into one.

    merged = merge([read(folder), read(other)])
    merged = merge([read(folder), read(newer)], renewed=["attribution"])     the newer's rows of a family alone

Rows are taken as they are; every table is computed anew from all of them. What makes rows comparable must agree: the
profile's settings (but for which tasks it ran, and for what it says of families that only one part ran), the resolved
settings of every subject and task that two parts share, the engine (`benchmark.provenance.engine`), and the versions of
the libraries that numbers come from. A family is timed on one kind of hardware, so that no column holds times of two.
Where a board is older than the engine's hash, its commit stands for it, and must have been clean.

Two engines that are known to make the same rows (a definition was written otherwise, and the rows of another profile
were compared) may be joined by whoever says how that is known: the reason is published with the board.

What may differ is kept by family in `provenance["families"]`: commit, engine, hardware, device, date, duration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from benchmark.boards.kept import Facts, Kept
from benchmark.boards.parts import concerns, without
from benchmark.boards.tables import claims_about, computed
from benchmark.errors import TouchstoneError
from benchmark.store import digest

KEY = ["family", "task", "variant", "seed", "method", "metric"]
PARTS = ("only", "resolved_subjects", "resolved_tasks")
"""Keys of a configuration in which the parts of one profile differ."""
OWN = (
    *("commit", "dirty", "engine", "finished", "hardware", "device", "duration_seconds", "configuration_hash"),
    *("sealed", "rows_agree"),
)
"""What the provenance of a family says."""
BY_FAMILY = ("tasks", "methods")
"""Settings of a profile whose keys begin with a family; parts may differ in what they say of families they lack."""
SAID = ("title", "left_out")
"""What a profile says in words: the last part's stand."""
NUMERICAL = ("torch", "numpy", "scipy", "scikit-learn", "captum", "gplearn")
"""The libraries that numbers come from; builds for other hardware (`2.13.0+cpu`) count as the same version."""


class MergeError(TouchstoneError):
    """Boards that cannot be one; the message lists every reason."""


def merge(boards: Sequence[Kept], *, renewed: Sequence[str] = (), rows_agree: str = "") -> Kept:
    """One board of all rows.

    Args:
        boards: The parts, the newest last.
        renewed: Families whose rows are those of the last part that ran them; what earlier parts have is dropped.
        rows_agree: How it is known that the engines of the parts make the same rows, where their hashes differ.

    Raises:
        MergeError: naming everything that does not agree.
    """
    if len(boards) < 2:
        raise MergeError(f"got {len(boards)} board, expected two or more to merge")
    boards = _renewed(boards, renewed)
    if problems := [*dict.fromkeys(_problems(boards, rows_agree))]:
        raise MergeError("these boards cannot be one:" + "".join(f"\n  - {problem}" for problem in problems))
    scores = pd.concat([board.scores for board in boards], ignore_index=True)
    scores = scores.drop_duplicates(KEY).sort_values(KEY, kind="stable", ignore_index=True)
    facts = _facts(boards)
    tasks = {task for board in boards for task in board.tasks}
    found = computed(scores, facts, claims_about(tasks))
    tables = found.tables
    for name in ("certificates", "measured"):
        tables[name] = _stacked([board.tables[name] for board in boards])
    pictures = {name: path for board in boards for name, path in board.pictures.items()}
    source = _provenance(boards)
    if rows_agree:
        source |= _agreed(source["families"], boards[-1].provenance.get("engine"), rows_agree)
    return Kept(facts.noting(found.notes), scores, tables, source, pictures)


def _renewed(boards: Sequence[Kept], families: Sequence[str]) -> list[Kept]:
    """The boards, each family of `families` in the last of them alone that has it."""
    known = {family for board in boards for family, _ in board.tasks}
    if unknown := sorted(set(families) - known):
        raise MergeError(
            f"got {', '.join(unknown)} to renew, expected families of the parts: {', '.join(sorted(known))}"
        )
    last = {family: at for at, board in enumerate(boards) for family, _ in board.tasks}
    found = []
    for at, board in enumerate(boards):
        old = {family for family, _ in board.tasks if family in families and last[family] > at}
        found.append(without(board, old) if old else board)
    if emptied := [str(at + 1) for at, board in enumerate(found) if not board.tasks]:
        raise MergeError(f"nothing is left of part {', '.join(emptied)}: leave it out")
    return found


def families_of(board: Kept) -> dict[str, dict[str, Any]]:
    """By family, the provenance of its run; how long a family took is not known where several ran together."""
    source, families = board.provenance, sorted({family for family, _ in board.tasks})
    known = [key for key in OWN if key in source and (len(families) == 1 or key != "duration_seconds")]
    given: Mapping[str, Any] = source.get("families", {})
    return {family: dict(given.get(family, {key: source[key] for key in known})) for family in families}


def dirty(board: Kept) -> Iterator[str]:
    """What a reader should know of the commits of a board's runs: which were not clean, or are not known."""
    for family, own in families_of(board).items():
        if own.get("dirty") is not False:
            state = "uncommitted changes" if own.get("dirty") else "no known commit"
            yield f"{family} ran with {state} (commit {str(own.get('commit'))[:10]})"


def _problems(boards: Sequence[Kept], rows_agree: str) -> Iterator[str]:
    for left, right in combinations(boards, 2):
        yield from _settings(left, right)
        if not rows_agree:
            yield from _engines(left, right)
        yield from _libraries(left.provenance, right.provenance)
        yield from _twice(left, right)
        yield from _timings(left, right)


def _settings(one: Kept, other: Kept) -> Iterator[str]:
    """What of the two configurations does not agree."""
    left, right = one.provenance, other.provenance
    if left["profile"] != right["profile"]:
        yield f"profile: {left['profile']} and {right['profile']}"
        return
    mine, theirs = _comparable(one, other), _comparable(other, one)
    for key in sorted(mine.keys() | theirs.keys()):
        if mine.get(key) != theirs.get(key):
            yield f"{key} of the profile: {_short(mine.get(key))} and {_short(theirs.get(key))}"
    for kind in ("resolved_subjects", "resolved_tasks"):
        here, there = (source["configuration"].get(kind, {}) for source in (left, right))
        for name in sorted(here.keys() & there.keys()):
            if here[name] != there[name]:
                yield f"the settings of {kind.removeprefix('resolved_').removesuffix('s')} {name} differ"


def _comparable(board: Kept, other: Kept) -> dict[str, Any]:
    """What of a configuration must be that of another part's: all but words, and what is of one part's families alone.

    What is said of subjects, and of methods that somebody adds, is compared where it is resolved.
    """
    shared = {family for family, _ in board.tasks} & {family for family, _ in other.tasks}
    found = {
        key: given
        for key, given in board.provenance["configuration"].items()
        if key not in (*PARTS, *SAID, *BY_FAMILY, "subjects", "newcomers")
    }
    for key in BY_FAMILY:
        entries = board.provenance["configuration"].get(key, {})
        found[key] = {name: given for name, given in entries.items() if concerns(name, shared)}
    excluded = board.provenance["configuration"].get("exclude", [])
    found["exclude"] = sorted(name for name in excluded if concerns(name.removeprefix("method:"), shared))
    return found


def _engines(left: Kept, right: Kept) -> Iterator[str]:
    """Whether both made rows of explanations by the same code."""
    one, other = left.provenance, right.provenance
    if one.get("engine") and other.get("engine"):
        if one["engine"] != other["engine"]:
            yield f"engine: {_code(one)} and {_code(other)}; run one of them again with the code of the other"
    elif one.get("commit") != other.get("commit") or one.get("dirty") is not False or other.get("dirty") is not False:
        yield f"engine unknown, and commits differ or are not clean: {_code(one)} and {_code(other)}"


def _code(source: Mapping[str, Any]) -> str:
    changed = {True: " with uncommitted changes", None: ", no checkout"}.get(source.get("dirty"), "")
    return f"{source.get('engine', 'no hash')} (commit {str(source.get('commit'))[:10]}{changed})"


def _libraries(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    for name in NUMERICAL:
        one, other = (str(source.get("versions", {}).get(name)).partition("+")[0] for source in (left, right))
        if one != other:
            yield f"{name}: {one} and {other}"


def _twice(left: Kept, right: Kept) -> Iterator[str]:
    """Tasks in both whose rows are not the same, whatever they cost."""
    costs = ["seconds", "peak_memory_mb"]
    for family, task in sorted(left.tasks & right.tasks):
        one, other = (_rows(board.scores, family, task).drop(columns=costs) for board in (left, right))
        if not one.equals(other):
            yield f"task {family}/{task} is in two of them, with rows that differ: leave it out of one"


def _rows(scores: pd.DataFrame, family: str, task: str) -> pd.DataFrame:
    own = scores[(scores["family"] == family) & (scores["task"] == task)]
    return own.sort_values(KEY, kind="stable", ignore_index=True)


def _timings(left: Kept, right: Kept) -> Iterator[str]:
    """Families that ran on other hardware in the two."""
    one, other = families_of(left), families_of(right)
    for family in sorted(one.keys() & other.keys()):
        if any(one[family].get(key) != other[family].get(key) for key in ("hardware", "device")):
            yield f"family {family} ran on different hardware in two of them: its times cannot stand in one column"


def _facts(boards: Sequence[Kept]) -> Facts:
    """What all of them say, each thing once and family by family."""
    every = [board.facts for board in boards]
    dials = {(dial.family, dial.task, dial.name): dial for facts in every for dial in facts.dials}
    plugins = {(each.kind, each.family, each.name): each for facts in every for each in facts.plugins}
    pictures = {shown.file: shown for facts in every for shown in facts.pictures}
    first, last = every[0], every[-1]
    return Facts(
        profile=first.profile,
        title=last.title,
        source=first.source,
        left_out=tuple(dict.fromkeys((*(line for facts in every for line in facts.left_out), *_apart(boards)))),
        dials=tuple(sorted(dials.values(), key=lambda dial: dial.family)),
        unranked=tuple(sorted({key for facts in every for key in facts.unranked})),
        plugins=tuple(sorted(plugins.values(), key=lambda each: each.family or "")),
        pictures=tuple(sorted(pictures.values(), key=lambda shown: shown.family)),
    )


def _apart(boards: Sequence[Kept]) -> Iterator[str]:
    """A sentence on each subject that was trained anew in another run, and came out otherwise."""
    every = _stacked([board.tables["certificates"] for board in boards])
    twice = every[every.duplicated(["subject", "seed", "check"])]
    for subject in sorted(set(twice["subject"])):
        yield f"Subject `{subject}` was trained apart in several runs, so what two families say of it is of two models."


def _stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all tables, equal ones once."""
    return pd.concat(tables, ignore_index=True).drop_duplicates(ignore_index=True)


def _provenance(boards: Sequence[Kept]) -> dict[str, Any]:
    """What all runs share, what they cost together, and the rest by family."""
    sources = _different([board.provenance for board in boards])
    configuration = _configuration([source["configuration"] for source in sources])
    families: dict[str, list[Mapping[str, Any]]] = {}
    for board in boards:
        for family, own in families_of(board).items():
            families.setdefault(family, []).append(own)
    shared = {
        key: sources[0][key] for key in sources[0] if all(source.get(key) == sources[0][key] for source in sources)
    }
    return {
        **{key: value for key, value in shared.items() if key not in (*OWN, "families")},
        **_joined(sources),
        "configuration": configuration,
        "configuration_hash": digest(configuration),
        "families": {family: _joined(_different(own)) for family, own in sorted(families.items())},
    }


def _agreed(families: Mapping[str, Mapping[str, Any]], engine: Any, reason: str) -> dict[str, Any]:
    """The newest engine as that of the board, and the reason with every family that another one made."""
    others = {family: {**own, "rows_agree": reason} for family, own in families.items() if own.get("engine") != engine}
    return {"engine": engine, "families": {**families, **others}}


def _different(sources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each run once: the same one may be in several boards."""
    return [source for at, source in enumerate(sources) if source not in sources[:at]]


def _joined(sources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What several runs have in common of `OWN`; dirty if one of them was, finished with the last."""
    first = sources[0]
    found = {key: first[key] for key in OWN if key in first and all(s.get(key) == first[key] for s in sources)}
    found["dirty"] = None if any(s.get("dirty") is None for s in sources) else any(s["dirty"] for s in sources)
    found["finished"] = max(str(source.get("finished", "")) for source in sources)
    if all("duration_seconds" in source for source in sources):
        took = [source["duration_seconds"] for source in sources]
        stages = dict.fromkeys(stage for run in took for stage in run)
        found["duration_seconds"] = {stage: round(sum(run.get(stage, 0.0) for run in took), 1) for stage in stages}
    return {"commit": None} | found


def _configuration(configurations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The profile's settings with all that any part resolved."""
    whole = any(not configuration["only"] for configuration in configurations)
    joined: dict[str, Any] = dict(configurations[-1])
    for key in (*BY_FAMILY, "subjects"):
        if any(key in each for each in configurations):
            joined[key] = {name: given for each in configurations for name, given in each.get(key, {}).items()}
    joined["only"] = [] if whole else sorted({key for configuration in configurations for key in configuration["only"]})
    for kind in ("resolved_subjects", "resolved_tasks"):
        joined[kind] = {name: given for configuration in configurations for name, given in configuration[kind].items()}
    return joined


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
