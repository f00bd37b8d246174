"""Reading claims: everything that is wrong is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.claims import Calibration, ClaimError, Selector, load

ROOT = Path(__file__).parents[3]
GOOD = """
- name: {name}
  statement: One is more than the other.
  source: "arXiv:0000.00000"
  left: {{family: f, task: t, variant: v, method: m, metric: x}}
  right: {{reference: floor}}
  margin: 0.1
  margin_from: because
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_claims_of_several_folders_come_by_file_and_order(tmp_path: Path) -> None:
    one = write(tmp_path / "one", "b.yaml", GOOD.format(name="third") + GOOD.format(name="fourth"))
    two = write(tmp_path / "two", "a.yaml", GOOD.format(name="first"))
    claims = load([one, two, tmp_path / "absent"])
    assert [claim.name for claim in claims] == ["first", "third", "fourth"]
    assert isinstance(claims[0].left, Selector)
    assert claims[0].right == Calibration(reference="floor")
    assert claims[0].expect == "above"


def test_lists_of_methods_and_numbers(tmp_path: Path) -> None:
    text = (
        GOOD.format(name="n").replace("method: m,", "method: [m, n], pick: max,").replace("{reference: floor}", "0.5")
    )
    (claim,) = load([write(tmp_path / "one", "a.yaml", text)])
    assert isinstance(claim.left, Selector)
    assert claim.left.methods == ("m", "n")
    assert claim.right == 0.5


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "one", "a.yaml", GOOD.format(name="n").replace("metric: x", "metrik: x"))
    write(folder, "b.yaml", GOOD.format(name="n").replace("margin: 0.1", "margn: 0.1\n  expect: abov"))
    write(folder, "c.yaml", GOOD.format(name="n") + GOOD.format(name="n"))
    write(folder, "d.yaml", "name: not a list")
    write(folder, "e.yaml", "- {unclosed: [")
    write(folder, "f.yaml", GOOD.format(name="o").replace("{reference: floor}", "{reference: flor}"))
    write(folder, "g.yaml", GOOD.format(name="p").replace("method: m", "method: [m, n]"))
    write(
        folder, "h.yaml", GOOD.format(name="q").replace("{family: f, task: t, variant: v, method: m, metric: x}", "0.3")
    )
    with pytest.raises(ClaimError) as caught:
        load([folder])
    message = str(caught.value)
    for expected in (
        "a.yaml: claim n: unknown key 'metrik' in left; did you mean 'metric'",
        "a.yaml: claim n: left.metric: Field required",
        "b.yaml: claim n: unknown key 'margn'; did you mean 'margin'",
        "b.yaml: claim n: margin: Field required",
        "b.yaml: claim n: unknown value of expect 'abov'; did you mean 'above'",
        "c.yaml: claim n: the name is taken by",
        "d.yaml: expected a list of claims, got dict",
        "e.yaml: not YAML",
        "f.yaml: claim o: unknown value of right.reference 'flor'; did you mean 'floor'",
        "needs pick: max, min or mean",
        "one side at least must select scores",
    ):
        assert expected in message, message


def test_the_claims_of_this_repository_load() -> None:
    claims = {claim.name: claim for claim in load([ROOT / "tasks" / "claims"])}
    shah = [claim for name, claim in claims.items() if name.startswith("shah2021-")]
    assert len(shah) == 4
    assert [claim.margin for claim in shah] == [0.25, 0.25, 0.25, 0.0]
    assert all("2102.12781" in claim.source for claim in shah)
    assert {name for name, claim in claims.items() if claim.finding} == {
        name for name, claim in claims.items() if claim.source == "Touchstone"
    }
    assert all("." not in claim.name and " " not in claim.name for claim in claims.values())
