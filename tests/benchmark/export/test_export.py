"""What `touchstone export` writes is opened by the library that it is for; every family has tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from benchmark.errors import TouchstoneError
from benchmark.export import export
from benchmark.export.columns import column
from benchmark.registry import plugins
from tests.support.project import Project

FAMILIES = plugins().families


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_says_what_its_questions_and_truths_are_as_tables(family: str) -> None:
    loaded = plugins().find("family", family).load()
    question, truth = loaded.trivial(0)
    public = loaded.question_tables(loaded.blinded(question))
    planted = loaded.truth_tables(truth)
    assert planted[0].name == "truth"
    names = [table.name for table in (*public, *planted)]
    assert len(set(names)) == len(names)
    assert not any(table.name.startswith("truth") for table in public)
    assert all(table.name.startswith("truth") for table in planted)
    for table in (*public, *planted):
        assert len({len(column(values)) for values in table.columns.values()}) == 1, table.name


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The library, with its cache in a folder of the test and no way to the network."""
    for name, value in (("HF_HUB_OFFLINE", "1"), ("HF_HOME", str(tmp_path / "cache"))):
        monkeypatch.setenv(name, value)
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return datasets


def test_the_library_opens_what_was_written(project: Project, tmp_path: Path, offline: Any) -> None:
    plan = project.plan(tasks={"attribution/toytask": {"variants": ["plain", "wide", "bad"]}})
    folder = tmp_path / "data set"
    lines = export(plan, folder)
    assert "public inputs: 48 rows, 3 variants" in lines
    assert sum("its certificate failed" in line for line in lines) == 2
    cache = str(tmp_path / "cache")
    seen = offline.load_dataset(str(folder), cache_dir=cache)
    assert list(seen) == ["plain", "wide", "bad"]
    assert seen["plain"].column_names == ["seed", "number", "input", "target"]
    truth = offline.load_dataset(str(folder), "truth", cache_dir=cache)["wide"]
    assert truth.column_names == ["seed", "number", "mask", "zero_set"]
    assert np.array(truth["mask"]).shape == (16, 9)
    assert np.array(truth["mask"])[:, 0].all()
    assert not np.array(truth["mask"])[:, 1:].any()
    question = _question(project, plan, "plain", 1)
    rows = seen["plain"].filter(lambda row: row["seed"] == 1)
    np.testing.assert_array_equal(np.array(rows["input"], dtype=np.float32), question.inputs.numpy())
    assert torch.equal(load_file(folder / "models" / "plain" / "1.safetensors")["weight"], question.model.weight)
    card = (folder / "README.md").read_text()
    assert "Methods are handed the models themselves" in card
    assert "- `truth`, 48 rows" in card


def _question(project: Project, plan: Any, variant: str, seed: int) -> Any:
    from benchmark.stages.instances import make_concrete

    task = plan.task("toytask")
    instance = next(i for i in task.instances if (i.variant, i.seed) == (variant, seed))
    return make_concrete(plan, project.store, task, instance).pose()


def test_no_file_of_another_is_touched_and_nothing_half_is_left(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(TouchstoneError, match="is there already and not empty: nothing was written"):
        export(project.plan(), folder)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    project.write("toy", (project.folder / "toy.py").read_text().replace("weight[1, 0] =", "weight[9, 9] ="))
    with pytest.raises(
        TouchstoneError, match="nothing could be exported: variant plain, seed 0: toy could not be trained"
    ):
        export(project.plan(), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".new")]
