"""Training: what is still true is kept, what is damaged or made from other settings is made again."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmark.artifacts import damaged, read_json
from benchmark.errors import DamagedArtifactError, TouchstoneError
from benchmark.stages.train import load_subject, train
from tests.support.project import SUBJECT, Project


def trained(project: Project, **settings: Any) -> dict[str, int]:
    return train(project.plan(**settings), project.layout, "toy")


def test_a_seed_is_trained_once(project: Project) -> None:
    assert trained(project) == {"computed": 2, "reused": 0}
    index = project.layout.subject_index("toy")
    before = index.read_bytes()
    assert trained(project) == {"computed": 0, "reused": 2}
    assert index.read_bytes() == before
    assert trained(project, seeds=3) == {"computed": 1, "reused": 2}
    assert damaged(index) == []


def test_other_parameters_train_again(project: Project) -> None:
    trained(project)
    assert trained(project, subjects={"toy": {"quality": 0.7}}) == {"computed": 2, "reused": 0}


@pytest.mark.parametrize("file", ["weights.safetensors", "public.safetensors", "subject.json"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_seed_is_named_and_trained_again_to_the_same(
    project: Project, lines: Any, file: str, damage: str
) -> None:
    trained(project)
    path = project.layout.subject("toy", 1) / file
    content = path.read_bytes()
    identity = read_json(project.layout.subject_index("toy"))["identities"]
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-7])
    elif file == "subject.json":
        path.write_bytes(content.replace(b'"passed": true', b'"passed": null'))
    else:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert trained(project) == {"computed": 1, "reused": 1}
    assert file in lines() or (damage, file) == ("missing", "subject.json")
    if file != "subject.json":
        assert path.read_bytes() == content
    assert read_json(project.layout.subject_index("toy"))["identities"] == identity


def test_the_certificate_is_kept_and_decides(project: Project) -> None:
    plan = project.plan(tasks={"attribution/toytask": {"variants": ["plain", "bad"]}})
    for name in ("toy", "toy-quality-0.1"):
        train(plan, project.layout, name)
    assert read_json(project.layout.subject_index("toy"))["certified"] == {"0": True, "1": True}
    assert read_json(project.layout.subject_index("toy-quality-0.1"))["certified"] == {"0": False, "1": False}
    (check,) = read_json(project.layout.subject("toy", 0) / "subject.json")["certificate"]
    assert check == {"check": "first entry decides", "value": 1.0, "threshold": 0.5, "at_least": True, "passed": True}


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')"])
def test_bad_numbers_are_refused(project: Project, value: str) -> None:
    project.write("toy", SUBJECT.replace("= self.quality\n", f"= {value}\n", 1))
    with pytest.raises(TouchstoneError, match="subject toy, seed 0: 1 values of weights 'weight' are NaN or infinite"):
        trained(project)
    assert not project.layout.subject_index("toy").exists()


def test_what_was_trained_is_read_back(project: Project) -> None:
    trained(project)
    saved = load_subject(project.plan(), project.layout, "toy", 1)
    assert saved.subject.width == 6
    assert set(saved.weights) == {"weight"}
    model = saved.subject.load(saved)
    assert torch.equal(model.weight, saved.weights["weight"])
    assert torch.equal(saved.public["inputs"], torch.randn(8, 6, generator=saved.generator("inputs")))


def test_reading_refuses_what_is_absent_or_of_other_settings(project: Project) -> None:
    with pytest.raises(DamagedArtifactError, match=r"subject\.json is missing: train it with `touchstone train"):
        load_subject(project.plan(), project.layout, "toy", 0)
    trained(project)
    other = project.plan(subjects={"toy": {"quality": 0.7}})
    with pytest.raises(DamagedArtifactError, match="made from other settings"):
        load_subject(other, project.layout, "toy", 0)


def test_cuda_without_a_gpu_is_an_error(project: Project) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TouchstoneError, match="device: cuda was asked for"):
        trained(project, device="cuda")
