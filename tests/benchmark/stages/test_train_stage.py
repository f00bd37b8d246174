"""Training: what is still true is kept, what is damaged or made from other settings is made again."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from benchmark.errors import DamagedArtifactError, TouchstoneError
from benchmark.plan import Instance
from benchmark.stages.instances import load_subject
from benchmark.stages.made import certificates
from benchmark.stages.train import train
from benchmark.store import damaged
from tests.support.project import SUBJECT, Project, flip

INSTANCE = Instance("plain", 1, {"": "toy"}, {}, True)


def test_a_seed_is_trained_once_and_a_new_one_alone(project: Project) -> None:
    assert project.train() == {"computed": 2, "reused": 0, "failed": 0}
    index = project.layout.train_index("toy", 0)
    before = project.store.path(project.layout.subject("toy", 0)).read_bytes()
    assert project.train() == {"computed": 0, "reused": 2, "failed": 0}
    assert project.train(seeds=3) == {"computed": 1, "reused": 2, "failed": 0}
    assert project.store.path(project.layout.subject("toy", 0)).read_bytes() == before
    assert damaged(index, by_checksum=True) == []


def test_other_parameters_train_again(project: Project) -> None:
    project.train()
    assert project.train(subjects={"toy": {"quality": 0.7}})["computed"] == 2


def test_seeds_in_batches_are_the_same_subjects(project: Project) -> None:
    project.train(seeds=3)
    assert project.train(seeds=3, batches=2) == {"computed": 0, "reused": 3, "failed": 0}


@pytest.mark.parametrize("file", ["subject.weights.safetensors", "subject.public.safetensors", "subject.json"])
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_seed_is_named_and_trained_again_to_the_same(
    project: Project, lines: Any, file: str, damage: str
) -> None:
    project.train()
    address = project.layout.subject("toy", 1)
    path = project.store.path(address).parent / file
    identity, content = project.store.read(address).identity, path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "truncated":
        path.write_bytes(content[:-7])
    elif file == "subject.json":
        path.write_bytes(content.replace(b'"passed": true', b'"passed": null'))
    else:
        flip(path)
    assert project.train() == {"computed": 1, "reused": 1, "failed": 0}
    assert file in lines() or (damage, file) == ("missing", "subject.json")
    if file != "subject.json":
        assert path.read_bytes() == content
    assert project.store.read(address).identity == identity


def test_the_certificate_is_kept(project: Project) -> None:
    settings = {"tasks": {"attribution/toytask": {"variants": ["plain", "bad"]}}}
    project.train(**settings)
    found = certificates(project.plan(**settings), project.store)
    passed = {(line["subject"], line["seed"]): line["passed"] for line in found}
    assert passed == {("toy", 0): True, ("toy", 1): True, ("toy-quality-0.1", 0): False, ("toy-quality-0.1", 1): False}
    kept = {key: found[0][key] for key in ("check", "value", "threshold", "at_least")}
    assert kept == {"check": "first entry decides", "value": 1.0, "threshold": 0.5, "at_least": True}


FAULTS = {
    "NaN": ("weight[1, 0] = float('nan')", "subject toy, seed 1: 1 values of weights 'weight' are NaN or infinite"),
    "an error": ("raise ValueError('not today')", "ValueError: not today"),
    "an exit": ("__import__('os')._exit(3)", "ended with status 3 before it returned a result"),
    "a lone surrogate": (r"raise ValueError('\udcff')", r"ValueError: \udcff"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_seed_that_fails_is_a_record_and_leaves_the_others(project: Project, fault: str) -> None:
    line, reason = FAULTS[fault]
    before = "        inputs = torch.randn"
    assert before in SUBJECT
    project.write("toy", SUBJECT.replace(before, f"        if run.seed == 1:\n            {line}\n{before}"))
    assert project.train() == {"computed": 2, "reused": 0, "failed": 1}
    assert project.store.read(project.layout.subject("toy", 0)).content["status"] == "ok"
    record = project.store.read(project.layout.subject("toy", 1)).content
    assert record["status"] == "failed"
    assert reason in record["reason"]
    assert project.train() == {"computed": 1, "reused": 1, "failed": 1}, "what failed is tried again"
    project.write("toy", SUBJECT)
    assert project.train()["failed"] == 0


def test_what_was_trained_is_read_back(project: Project) -> None:
    project.train()
    saved = load_subject(project.plan(), project.store, "toy", INSTANCE)
    assert (saved.seed, saved.subject.width) == (1, 6)
    assert set(saved.weights) == {"weight"}
    model = saved.subject.load(saved)
    assert torch.equal(model.weight, saved.weights["weight"])
    assert torch.equal(saved.public["inputs"], torch.randn(8, 6, generator=saved.generator("inputs")))


def test_reading_before_training_says_what_trains(project: Project) -> None:
    with pytest.raises(DamagedArtifactError, match=r"subject\.json is missing: train it with `touchstone train"):
        load_subject(project.plan(), project.store, "toy", INSTANCE)


def test_an_unknown_subject_is_named(project: Project) -> None:
    with pytest.raises(TouchstoneError, match=r"unknown subject 'toi'; did you mean 'toy'"):
        train(project.plan(), project.store, "toi")


def test_cuda_without_a_gpu_stops_the_run_and_says_what_to_set(project: Project) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(TouchstoneError, match="device: cuda was asked for, but torch sees no CUDA device"):
        project.train(device="cuda")
