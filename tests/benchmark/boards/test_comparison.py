"""What changed between two boards is said where it is more than noise, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmark.boards.comparison import TABLES, compare
from benchmark.boards.kept import Kept, as_csv, write
from tests.support import kept_board

CLAIM = {
    "claim": "c",
    "source": "",
    "tasks": "f/t",
    "effect": 0.3,
    "ci_low": 0.2,
    "ci_high": 0.4,
    "verdict": "undecided",
}


def published(folder: Path, made: Kept, **tables: pd.DataFrame) -> Path:
    write(Kept(made.facts, made.scores, {**made.tables, **tables}, made.provenance, made.pictures), folder)
    return folder


def board(tmp_path: Path, name: str, seed: int = 0, **quality: float) -> Path:
    rows = kept_board.scores(("f",), quality={**kept_board.QUALITY, **quality}, seed=seed)
    return published(tmp_path / name, kept_board.kept(tmp_path / f"{name} made", rows))


def test_other_noise_is_no_change(tmp_path: Path) -> None:
    old = board(tmp_path, "old")
    assert list(compare(old, old)) == ["nothing differs beyond noise"]
    assert list(compare(old, board(tmp_path, "new", seed=7))) == ["nothing differs beyond noise"]


def test_a_skill_beyond_the_seeds_and_a_rank_apart(tmp_path: Path) -> None:
    old, new = board(tmp_path, "old", other=0.3), board(tmp_path, "new", other=0.8)
    found = list(compare(old, new))
    assert any(line.startswith("skill of f/other: 0.2") and "seeds allow" in line for line in found)
    assert any(line.startswith("rank of f/other: 3 to 3 -> 2 to 2") for line in found), found
    assert any(line.startswith("rank of f/t/fair") for line in found)
    assert not any("f/good" in line or "t/good" in line for line in found)


def test_methods_and_tasks_that_came_and_went(tmp_path: Path) -> None:
    rows = kept_board.scores(("f",), tasks=("t", "u"))
    more = published(tmp_path / "more", kept_board.kept(tmp_path / "a", rows))
    less = board(tmp_path, "less", added=0.4)
    found = list(compare(more, less))
    assert "task f/u is gone" in found
    assert "method f/added is new" in found
    assert {"task f/u is new", "method f/added is gone"} <= set(compare(less, more))


def test_verdicts_certificates_and_variants(tmp_path: Path) -> None:
    made = kept_board.kept(tmp_path / "made")
    claims = pd.DataFrame([CLAIM | {"reason": ""}, CLAIM | {"claim": "gone", "reason": ""}])
    after = pd.DataFrame([CLAIM | {"verdict": "reproduced", "effect": 0.5}, CLAIM | {"claim": "fresh"}]).assign(
        reason=""
    )
    old = published(tmp_path / "old", made, claims=claims)
    passed, ranked = made.tables["certificates"].copy(), made.tables["marks"].copy()
    passed.loc[0, ["passed", "value"]] = [False, 0.5]
    ranked.loc[0, ["ranked", "reason"]] = [False, "no room"]
    found = list(compare(old, published(tmp_path / "new", made, claims=after, certificates=passed, marks=ranked)))
    assert found == [
        "variant f/t/v is no longer ranked: no room",
        "claim c: undecided -> reproduced (effect 0.300 -> 0.500)",
        "claim fresh is new: undecided",
        "claim gone is gone",
        "certificate of model_f, seed 0: accuracy fails now (0.95 -> 0.5)",
    ]


def test_boards_of_an_older_form_have_the_tables_that_are_needed(tmp_path: Path) -> None:
    made = kept_board.kept(tmp_path / "made")
    for name in TABLES:
        (tmp_path / f"{name}.csv").write_bytes(as_csv(made.tables[name]))
    assert list(compare(tmp_path, published(tmp_path / "new", made))) == ["nothing differs beyond noise"]


@pytest.mark.parametrize(("change", "said"), [(1e-7, False), (0.5, True)])
def test_rounding_is_no_change_without_any_noise(tmp_path: Path, change: float, said: bool) -> None:
    made = kept_board.kept(tmp_path / "made")
    still = made.tables["leaderboard"].assign(ci_low=made.tables["leaderboard"]["skill"])
    still = still.assign(ci_high=still["skill"])
    old = published(tmp_path / "old", made, leaderboard=still)
    moved = still.assign(**{name: still[name] + change for name in ("skill", "ci_low", "ci_high")})
    found = list(compare(old, published(tmp_path / "new", made, leaderboard=moved)))
    assert any("beyond" in line and "seeds allow" in line for line in found) is said
