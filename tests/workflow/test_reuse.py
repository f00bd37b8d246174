"""Whoever adds or edits something waits for exactly that: counted on all stages of a small profile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import Counts, Engine
from tests.support.snapshot import Snapshot
from tests.support.tree import GATED, Tree, write_profile

pytestmark = pytest.mark.workflow
SEEDS, METHODS, REFERENCES, METRICS = 2, 4, 3, 2
EVERYTHING = {
    "subjects": SEEDS,
    "explanations": SEEDS * METHODS,
    "values": SEEDS * METRICS * (METHODS + REFERENCES),
}
Kept = tuple[Tree, Engine, Counts, Snapshot]
ATTRIBUTION = "benchmark/families/attribution"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """A tree in which everything was computed once."""
    tree = Tree.copied(tmp_path_factory.mktemp("reuse") / "tree")
    helped = GATED.replace("import torch\n", "import torch\nfrom methods.attribution._aside import turned\n")
    tree.method("gated", helped.replace("return question.inputs", "return turned(question.inputs)"))
    (tree.folder / "methods/attribution/_aside.py").write_text(
        "def turned(x):\n    return -x\n\ndef unused(x):\n    return x\n"
    )
    write_profile(tree)
    with Engine(tree) as engine:
        counts = engine.run()
        yield tree, engine, counts, Snapshot(tree.folder)


@pytest.fixture
def engine(kept: Kept) -> Engine:
    """The engine, with sources and results as they were when everything had been computed once."""
    _, engine, _, snapshot = kept
    snapshot.restore()
    return engine


def computed(counts: Counts) -> dict[str, int]:
    """What was computed of subjects, explanations and values; nothing may have failed."""
    assert not any(own["failed"] for own in counts.values()), counts
    return {kind: counts[kind]["computed"] for kind in EVERYTHING}


NOTHING = dict.fromkeys(EVERYTHING, 0)
EDITS: dict[str, tuple[str, str, str, dict[str, int], bool]] = {
    "a method's comment": (
        "methods/attribution/gated.py",
        "    generator",
        "    # a word\n    generator",
        NOTHING,
        False,
    ),
    "a method's decorator": ("methods/attribution/gated.py", 'cites="a test"', 'cites="another"', NOTHING, False),
    "a task's docstring": (
        "tasks/attribution/toytask.py",
        "Does an attribution",
        "Will an attribution",
        NOTHING,
        False,
    ),
    "a task's twins": (
        "tasks/attribution/toytask.py",
        'twins={"plain": "few", "wide": "bad"}',
        "twins={}",
        NOTHING,
        False,
    ),
    "a certificate's words": ("tasks/models/toy/subject.py", "A linear model.", "One linear model.", NOTHING, False),
    "a metric's comment": (
        f"{ATTRIBUTION}/metrics/auroc.py",
        "    ranked =",
        "    # a word\n    ranked =",
        NOTHING,
        False,
    ),
    "the page": ("benchmark/site/board.py", "from __future__", "SOMETHING = 1\nfrom __future__", NOTHING, False),
    "the decorators": (
        "benchmark/plugins.py",
        "from __future__ import annotations\n",
        "from __future__ import annotations\nSOMETHING = 1\n",
        NOTHING,
        False,
    ),
    "a helper's other function": ("methods/attribution/_aside.py", "    return x", "    return 3 * x", NOTHING, False),
    "a helper": (
        "methods/attribution/_aside.py",
        "return -x",
        "return -2 * x",
        NOTHING | {"explanations": SEEDS},
        True,
    ),
    "a method": ("methods/attribution/gated.py", "* scale +", "* scale -", NOTHING | {"explanations": SEEDS}, True),
    "a reference": (
        f"{ATTRIBUTION}/references.py",
        "torch.randn(question",
        "torch.rand(question",
        NOTHING | {"values": SEEDS * METRICS},
        True,
    ),
    "the oracle's constant": (
        f"{ATTRIBUTION}/__init__.py",
        "FINER = 1e4",
        "FINER = 1e5",
        NOTHING | {"values": 2 * SEEDS * METRICS},  # of the oracle, and of its inverse
        True,
    ),
    "a metric": (
        f"{ATTRIBUTION}/metrics/auroc.py",
        "positives * (positives + 1) / 2",
        "positives * (positives + 1) * 0.5",
        NOTHING | {"values": SEEDS * (METHODS + REFERENCES)},
        False,
    ),
    "a truth": (
        "tasks/attribution/toytask.py",
        "mask[:, 0] = True",
        "mask[:, :1] = True",
        NOTHING | {"values": SEEDS * METRICS * (METHODS + REFERENCES)},
        True,
    ),
    "what every number rests on": (
        "benchmark/runtime.py",
        "torch.manual_seed(seed)",
        "torch.manual_seed(seed + 0)",
        EVERYTHING,
        True,
    ),
}


def test_a_first_run_computes_everything_and_a_second_nothing(kept: Kept, engine: Engine) -> None:
    assert computed(kept[2]) == EVERYTHING
    assert kept[2]["pictures"]["computed"] >= METHODS
    again = engine.run()
    assert computed(again) == NOTHING
    assert again["pictures"]["computed"] == 0
    assert {kind: again[kind]["reused"] for kind in EVERYTHING} == EVERYTHING


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_computes_what_uses_it(kept: Kept, engine: Engine, name: str) -> None:
    file, old, new, expected, redraws = EDITS[name]
    kept[0].edit(file, old, new)
    counts = engine.run()
    found = computed(counts)
    if "values" not in name and expected["explanations"] and expected != EVERYTHING:
        found.pop("values")  # those of what changed
    assert {kind: found[kind] for kind in found} == {kind: expected[kind] for kind in found}
    if not redraws:
        assert counts["pictures"]["computed"] == 0


def test_what_is_added_is_computed_and_nothing_else(kept: Kept, engine: Engine) -> None:
    tree = kept[0]
    assert computed(engine.run(seeds=3)) == {kind: number // SEEDS for kind, number in EVERYTHING.items()}
    tree.method("added", GATED.replace("def gated", "def added"))
    own = {"subjects": 0, "explanations": 3, "values": 3 * METRICS}
    assert computed(engine.run(seeds=3)) == own
    tree.edit("tasks/attribution/toytask.py", '"auroc"', '"auroc", "average_precision"')
    counts = engine.run(seeds=3)
    assert computed(counts) == NOTHING | {"values": 3 * (METHODS + 1 + REFERENCES)}
    assert counts["pictures"]["computed"] == 0, "they show the primary metric"
    few = {"attribution/toytask": {"variants": ["plain", "few"]}}
    of_a_variant = {"explanations": 3 * (METHODS + 1), "values": 3 * (METRICS + 1) * (METHODS + 1 + REFERENCES)}
    assert computed(engine.run(seeds=3, tasks=few)) == NOTHING | of_a_variant


def test_a_picture_is_drawn_alone(kept: Kept, engine: Engine) -> None:
    path = kept[0].folder / ATTRIBUTION / "pictures.py"
    path.write_text(path.read_text() + "\n# a word\n")
    assert engine.run()["pictures"]["computed"] == 0
    (drawn,) = (kept[0].folder / "results/small/pictures/attribution.toytask").glob("*overview*.png")
    drawn.unlink()
    counts = engine.run()
    assert computed(counts) == NOTHING
    assert counts["pictures"]["computed"] == 1


@pytest.mark.parametrize(("library", "expected"), [("pandas", NOTHING), ("torch", EVERYTHING)])
def test_another_version_of_a_library_computes_what_uses_it(
    engine: Engine, library: str, expected: dict[str, int]
) -> None:
    found = computed(engine.run(versions={library: "0.0.1"}))
    assert found == expected


def test_a_new_version_of_what_one_method_uses_computes_that_one(engine: Engine) -> None:
    found = computed(engine.run(versions={"captum": "0.0.1"}))
    assert found["subjects"] == 0
    assert found["explanations"] in (SEEDS, 2 * SEEDS, 3 * SEEDS), "gradient and occlusion use it; gated does not"
    assert found["values"] == 0, "they say the same"


def test_files_of_results_are_those_of_the_first_run(kept: Kept, engine: Engine) -> None:
    def files(base: Path) -> dict[str, bytes]:
        found = (path for path in sorted((base / "results").rglob("*.safetensors")))
        return {path.relative_to(base).as_posix(): path.read_bytes() for path in found}

    tree = kept[0].folder
    before = files(tree)
    shutil.rmtree(tree / "results")
    assert computed(engine.run()) == EVERYTHING
    assert files(tree) == before
