"""The cheats that methods have been seen to try, or could, as real methods in the real stages under sealed seeds.

Each cheat answers with its loot where it finds some, and like an honest control where it finds none. So a cheat gained
nothing exactly if its rows equal the control's, and did no harm exactly if everybody's rows equal those of a run
without cheats. That the cheats are no dummies is shown where nothing stops them (`open_doors.py`).
"""

from __future__ import annotations

import json
import shutil
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
import yaml

from benchmark.confinement import protection
from tests.support.tree import ROOT, Tree, read_json

HERE = Path(__file__).parent
pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(sys.platform != "linux", reason="confinement is the kernel's, and only Linux has it"),
]
SECRET = "5ea1" * 16
TASKS = {"attribution": "attribution.blockmnist", "description": "description.numeric_functions"}
CONTROLS = {"attribution": "input_magnitude", "description": "silent"}
HONEST = {"attribution": ["gradient", "input_magnitude"], "description": ["constant", "silent"]}
CHEATS = {
    family: sorted(path.stem for path in (HERE / "cheats" / family).glob("[!_]*.py") if path.stem != "silent")
    for family in TASKS
}
SPENT = ("queries_used",)
"""Metrics that say what was spent, which is not the same for whoever asks and whoever does not."""


@dataclass
class Listener:
    """Somebody outside who would hear of it: TCP, UDP and a socket in the file system."""

    folder: Path
    heard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(tcp.getsockname())
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(str(self.folder / "socket"))
        unix.listen()
        (self.folder / "port").write_text(str(tcp.getsockname()[1]))
        self.lines = {"tcp": tcp, "udp": udp, "unix": unix}
        for name, line in self.lines.items():
            threading.Thread(target=self.listen, args=(name, line), daemon=True).start()

    def listen(self, name: str, line: socket.socket) -> None:
        with suppress(OSError):
            while True:
                if name == "udp":
                    line.recv(100)
                    self.heard.append(name)
                    continue
                with line.accept()[0] as caller:
                    self.heard.append(name)
                    caller.recv(100)

    def close(self) -> None:
        for line in self.lines.values():
            line.close()


@dataclass
class Runs:
    """A run of honest methods through the real workflow, and one in which the cheats took part."""

    tree: Tree
    honest: dict[str, pd.DataFrame]
    cheated: dict[str, pd.DataFrame]
    output: str
    kept: dict[str, bytes]
    """What lay in the tree after the honest run but for the published folder, by path."""
    published: dict[str, object]
    heard: list[str]
    before: dict[str, bytes]
    """Sources of methods before the cheats ran."""


def copy_cheats(tree: Tree, names: list[str] | None = None) -> None:
    for family in TASKS:
        for path in (HERE / "cheats" / family).glob("*.py"):
            if names is None or path.stem in names:
                shutil.copy(path, tree.folder / "methods" / family)


def write_sealed(tree: Tree) -> None:
    """A profile of the smoke sizes, one sealed seed of one variant of two families, and few methods."""
    others = [
        f"method:{family}/{path.stem}"
        for family in TASKS
        for path in sorted((ROOT / "methods" / family).glob("[!_]*.py"))
        if path.stem not in HONEST[family]
    ]
    content = {
        "title": "For tests",
        "small": True,
        "seeds": {"sealed": 1},
        "draws": 10,
        "device": "cpu",
        "limits": {"seconds": 90, "memory_mb": 3000},
        "only": [task.replace(".", "/") for task in TASKS.values()],
        "exclude": others,
        "subjects": {"blockmnist": {"tests": 1000}},  # as `replant` plants it
        "tasks": {
            "attribution/blockmnist": {"variants": ["untrained"]},
            "description/numeric_functions": {"variants": ["atomic"]},
        },
    }
    (tree.folder / "sealed.yaml").write_text(yaml.safe_dump(content))


def sources(tree: Tree) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((tree.folder / "methods").rglob("*.py"))}


def rows(tree: Tree) -> dict[str, pd.DataFrame]:
    """Each task's rows without what differs between two runs of the same thing."""
    folder = tree.folder / "results" / "sealed" / "scores"
    costs = ["seconds", "peak_memory_mb", "model_calls"]
    tables = {family: pd.read_parquet(folder / f"{task}.parquet") for family, task in TASKS.items()}
    return {family: table.drop(columns=costs) for family, table in tables.items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    tree = Tree.copied(tmp_path_factory.mktemp("cheats") / "tree")
    copy_cheats(tree, ["silent"])
    write_sealed(tree)
    output = tree.snakemake(profile="sealed.yaml", TOUCHSTONE_SECRET=SECRET)
    kept = {
        str(path.relative_to(tree.folder)): path.read_bytes()
        for path in tree.folder.rglob("*")
        if path.is_file() and "leaderboard" not in path.relative_to(tree.folder).parts[:1]
    }
    honest = rows(tree)
    published = read_json(tree.folder / "leaderboard" / "sealed" / "provenance.json")
    for name in ("explanations", "values", "scores"):
        shutil.rmtree(tree.folder / "results" / "sealed" / name)
    copy_cheats(tree)
    shutil.copy(HERE / "cheats" / "smuggled.py", tree.folder)
    before = sources(tree)
    listener = Listener(tree.folder)
    for stage in ("explain", "score"):
        for task in TASKS.values():
            answer = tree.touchstone(
                stage, "--profile", "sealed.yaml", "--task", task, "--threads", "2", TOUCHSTONE_SECRET=SECRET
            )
            assert answer.returncode == 0, answer.stderr
    listener.close()
    return Runs(tree, honest, rows(tree), output, kept, published, listener.heard, before)


def of(table: pd.DataFrame, method: str) -> pd.DataFrame:
    return (
        table[table.method == method]
        .drop(columns=["method", "reference", "control"], errors="ignore")
        .reset_index(drop=True)
    )


PAIRS = [(family, name) for family, names in CHEATS.items() for name in names]


@pytest.mark.skipif(bool(protection()), reason=protection())
@pytest.mark.parametrize(("family", "name"), PAIRS, ids=[f"{family}/{name}" for family, name in PAIRS])
def test_a_cheat_scores_what_its_honest_control_scores(runs: Runs, family: str, name: str) -> None:
    """The bound is equality: whoever finds nothing answers as the control does, to the last bit."""
    table = runs.cheated[family]
    table = table[~table.metric.isin(SPENT)]
    cheat, control = of(table, name), of(table, CONTROLS[family])
    assert set(cheat[cheat.primary].status) == {"ok"}, list(cheat.reason)
    pd.testing.assert_frame_equal(cheat, control, check_exact=True)


def test_no_cheat_changes_the_row_of_another(runs: Runs) -> None:
    for family in TASKS:
        found = runs.cheated[family]
        others = found[~found.method.isin(CHEATS[family])].reset_index(drop=True)
        pd.testing.assert_frame_equal(others, runs.honest[family], check_exact=True)
        assert {"oracle", "random", *HONEST[family]} <= set(others.method)


def test_no_box_answers_more_than_its_budget(runs: Runs) -> None:
    table = runs.cheated["description"]
    used = table[table.metric == "queries_used"].set_index("method").value
    assert used["silent"] == 0
    assert used["second_pose"] == 64
    assert 0 < used["overdrawn"] <= 64


def test_nothing_is_written_and_nobody_told(runs: Runs) -> None:
    assert runs.heard == []
    assert sources(runs.tree) == runs.before
    assert not [
        path for path in runs.tree.folder.rglob("planted*") if not path.is_relative_to(runs.tree.folder / "tasks")
    ]
    assert not list(runs.tree.folder.rglob("notes.json"))


def test_a_forged_record_keeps_nothing_of_what_it_boasts_of(runs: Runs) -> None:
    folder = runs.tree.folder / "results" / "sealed" / "explanations" / TASKS["attribution"] / "forger"
    (path,) = folder.glob("*.json")
    content = read_json(path)["content"]
    assert content["status"] == "ok"
    assert {"skill", "value", "values", "outcome", "method", "metric"}.isdisjoint(content)
    assert read_json(path)["key"] != "forged"


def test_where_nothing_stops_them_the_cheats_work(tmp_path: Path) -> None:
    tree = Tree.copied(tmp_path / "tree")
    copy_cheats(tree)
    victim = tree.folder / "results" / "x" / "explanations" / "y" / "gradient" / "z.json"
    victim.parent.mkdir(parents=True)
    victim.write_text("{}")
    listener = Listener(tree.folder)
    shutil.copy(HERE / "open_doors.py", tree.folder)
    answer = tree.command("open_doors", TOUCHSTONE_SECRET=SECRET)
    listener.close()
    assert answer.returncode == 0, answer.stderr
    assert set(json.loads(answer.stdout)) >= {
        *("frames", "collector", "replant"),
        *("own environment", "descriptor", "environments", "open files", "memories"),
        *("by its path", "from here", "from /proc/self"),
        *("into results", "into leaderboard", "another's source", "times", "modes", "contents", "folder"),
        *("tcp", "udp", "unix"),
        *("overdrawn", "second_pose"),
    }
    assert {"tcp", "unix"} <= set(listener.heard)


# ---- sealed seeds, from the secret to the published board


def seed_in(published: dict[str, object]) -> int:
    sealed = published["sealed"]
    assert isinstance(sealed, dict)
    return int(sealed["seeds"]["0"])


def test_a_published_board_reveals_its_seeds(runs: Runs) -> None:
    sealed = runs.published["sealed"]
    assert isinstance(sealed, dict)
    assert sealed["secret"] == SECRET
    assert sealed["seeds"].keys() == {"0"}
    records = [content for name, content in runs.kept.items() if name.endswith("/subject.json")]
    assert len(records) == 2
    assert {json.loads(record)["content"]["seal"] for record in records} == {sealed["seal"]}


def test_before_that_they_are_in_no_path_file_or_log(runs: Runs) -> None:
    seed = seed_in(runs.published)
    signs = [str(seed).encode(), seed.to_bytes(6, "little"), seed.to_bytes(6, "big"), SECRET.encode()]
    assert seed > 2**32, "a number this long is nowhere by chance"
    assert str(seed) not in runs.output
    assert SECRET not in runs.output
    logs = [name for name in runs.kept if name.endswith(".log")]
    assert len(logs) > len(TASKS)
    for name, content in runs.kept.items():
        assert str(seed) not in name
        assert [sign for sign in signs if sign in content] == [], name


def test_another_secret_trains_afresh_and_none_is_refused(runs: Runs) -> None:
    line = runs.tree.workflow("-n", profile="sealed.yaml")
    again = runs.tree.command(*line, TOUCHSTONE_SECRET="0ther" * 8)
    assert again.returncode == 0, again.stderr
    assert "rule train:" in again.stdout + again.stderr
    arguments = ["train", "--profile", "sealed.yaml", "--subject", "blockmnist-training-none"]
    for secret in ("", "short"):
        answer = runs.tree.touchstone(*arguments, TOUCHSTONE_SECRET=secret)
        assert answer.returncode == 1
        assert answer.stderr.startswith("touchstone: this profile's seeds are sealed: set TOUCHSTONE_SECRET")
        refused = runs.tree.command(*line, TOUCHSTONE_SECRET=secret)
        assert refused.returncode == 1
        assert "seeds are sealed: set TOUCHSTONE_SECRET" in refused.stdout + refused.stderr


def test_results_of_one_secret_are_not_published_under_another(runs: Runs) -> None:
    answer = runs.tree.touchstone("publish", "--profile", "sealed.yaml", TOUCHSTONE_SECRET="0ther" * 8)
    assert answer.returncode == 1
    assert "it was trained with another secret" in answer.stderr
    assert "Traceback" not in answer.stderr
