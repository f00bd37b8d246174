"""What changed between two boards beyond noise.

    for line in compare(old_folder, new_folder): ...

Read from the tables alone, so that boards of any age can be compared. A skill has changed where the difference leaves
the interval that both boards' seeds allow it,

    |new - old| > sqrt(h_old² + h_new²),

h being half the 95 % interval over retraining (two boards on the same seeds agree closer than that, so it errs on the
side of silence). A rank has changed where the two rank intervals have nothing in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from benchmark.boards.kept import read_tables

TABLES = ("leaderboard", "tasks", "marks", "claims", "certificates")
ROUNDING = 2e-5
"""Skills are published with six digits."""
LEVELS = (("leaderboard", ("family", "method")), ("tasks", ("family", "task", "method")))


def compare(old: Path, new: Path) -> Iterator[str]:
    """Sentences about what differs, or one that nothing does.

    Raises:
        DamagedArtifactError: a table of one of the folders is missing or cannot be read.
    """
    before, after = (read_tables(folder, TABLES) for folder in (old, new))
    found = [*_there(before, after), *_skills(before, after), *_ranks(before, after), *_variants(before, after)]
    found += [*_claims(before, after), *_certificates(before, after)]
    yield from found or ["nothing differs beyond noise"]


Tables = Mapping[str, pd.DataFrame]


def _there(before: Tables, after: Tables) -> Iterator[str]:
    """Tasks and methods that one of the boards lacks; methods of a family that is new or gone are not listed."""
    for kind, columns in (("task", ["family", "task"]), ("method", ["family", "method"])):
        table = "tasks" if kind == "task" else "leaderboard"
        one, other = (_keys(tables[table], columns) for tables in (before, after))
        families = {key[0] for key in one} & {key[0] for key in other}
        for word, keys in (("gone", one - other), ("new", other - one)):
            for key in sorted(key for key in keys if kind == "task" or key[0] in families):
                yield f"{kind} {'/'.join(key)} is {word}"


def _skills(before: Tables, after: Tables) -> Iterator[str]:
    for table, key in LEVELS:
        both = _joined(before[table], after[table], key, ("skill", "ci_low", "ci_high"))
        change = both["skill_new"] - both["skill_old"]
        half = [(both[f"ci_high_{when}"] - both[f"ci_low_{when}"]) / 2 for when in ("old", "new")]
        allowed = np.sqrt(half[0] ** 2 + half[1] ** 2) + ROUNDING * (1 + both["skill_old"].abs())
        for place, row in both[change.abs() > allowed].iterrows():
            ends = f"{row['skill_old']:.3f} -> {row['skill_new']:.3f}"
            yield f"skill of {_named(place)}: {ends}, beyond the {allowed[place]:.3f} that seeds allow"
        lost = both[both["skill_old"].isna() != both["skill_new"].isna()]
        for place, row in lost.iterrows():
            yield f"skill of {_named(place)}: {'now measured' if pd.isna(row['skill_old']) else 'no longer measured'}"


def _ranks(before: Tables, after: Tables) -> Iterator[str]:
    for table, key in LEVELS:
        both = _joined(before[table], after[table], key, ("rank_low", "rank_high")).dropna()
        apart = (both["rank_low_new"] > both["rank_high_old"]) | (both["rank_high_new"] < both["rank_low_old"])
        for place, row in both[apart].iterrows():
            ends = [f"{int(row[f'rank_low_{when}'])} to {int(row[f'rank_high_{when}'])}" for when in ("old", "new")]
            yield f"rank of {_named(place)}: {ends[0]} -> {ends[1]}"


def _variants(before: Tables, after: Tables) -> Iterator[str]:
    both = _joined(before["marks"], after["marks"], ("family", "task", "variant"), ("ranked", "reason"))
    for place, row in both[both["ranked_old"] != both["ranked_new"]].iterrows():
        why = f": {row['reason_new']}" if row["reason_new"] else ""
        yield f"variant {_named(place)} is {'now' if row['ranked_new'] else 'no longer'} ranked{why}"


def _claims(before: Tables, after: Tables) -> Iterator[str]:
    both = _joined(before["claims"], after["claims"], ("claim",), ("verdict", "effect"), how="outer")
    for place, row in both.iterrows():
        if pd.isna(row["verdict_old"]) or pd.isna(row["verdict_new"]):
            yield f"claim {_named(place)} is {'new: ' + row['verdict_new'] if pd.isna(row['verdict_old']) else 'gone'}"
        elif row["verdict_old"] != row["verdict_new"]:
            effects = f"effect {row['effect_old']:.3f} -> {row['effect_new']:.3f}"
            yield f"claim {_named(place)}: {row['verdict_old']} -> {row['verdict_new']} ({effects})"


def _certificates(before: Tables, after: Tables) -> Iterator[str]:
    both = _joined(before["certificates"], after["certificates"], ("subject", "seed", "check"), ("passed", "value"))
    for place, row in both[both["passed_old"] != both["passed_new"]].iterrows():
        subject, seed, check = map(str, cast(tuple[object, ...], place))
        word = "passes now" if row["passed_new"] else "fails now"
        values = f"{row['value_old']:.4g} -> {row['value_new']:.4g}"
        yield f"certificate of {subject}, seed {seed}: {check} {word} ({values})"


def _keys(table: pd.DataFrame, columns: list[str]) -> set[tuple[str, ...]]:
    return set(table[columns].itertuples(index=False, name=None))


def _joined(
    old: pd.DataFrame, new: pd.DataFrame, key: Sequence[str], columns: Sequence[str], how: str = "inner"
) -> pd.DataFrame:
    """What both tables say, beside each other as `<column>_old` and `<column>_new`, under the key."""
    one, other = (table.drop_duplicates([*key]).set_index([*key])[[*columns]] for table in (old, new))
    return one.add_suffix("_old").join(other.add_suffix("_new"), how=how, sort=True)  # type: ignore[arg-type]


def _named(place: object) -> str:
    return "/".join(map(str, place)) if isinstance(place, tuple) else str(place)
