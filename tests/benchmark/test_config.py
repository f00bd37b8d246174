"""Profiles: every problem at once, each with the nearest valid name; no content is answered with a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.config import Profile, check_profile, read_profile
from benchmark.errors import TouchstoneError
from benchmark.registry import PROJECT, plugins

TASK = "attribution/blockmnist"


def problems(**content: Any) -> list[str]:
    """The problems of a profile, one line each."""
    with pytest.raises(TouchstoneError) as caught:
        check_profile({"name": "test"} | content, plugins())
    head, *lines = str(caught.value).splitlines()
    assert head == f"profile 'test' has {len(lines)} problem(s):"
    return [line.removeprefix("  - ") for line in lines]


@pytest.mark.parametrize("name", sorted(path.stem for path in (PROJECT / "config").glob("*.yaml")))
def test_every_profile_of_the_project_is_valid(name: str) -> None:
    profile = read_profile(name, plugins())
    assert profile.name == name
    assert profile.title


def test_every_problem_is_reported_at_once() -> None:
    found = problems(
        sedes=3,
        draws="many",
        device="gpu",
        limits={"secnods": 3, "memory_mb": -1},
        only=["atribution", TASK],
        exclude=["method:attribution/gradeint", "attribution/blockmnst"],
        subjects={"blockmnits": {}, "blockmnist": {"epoch": 3, "learning_rate": "fast", "seeds": [1, 1]}},
        tasks={TASK: {"variants": ["standart"], "inputs": 2.5}, "attribution/blockminst": {}},
        methods={
            "attribution/smothgrad": {},
            "attribution/smoothgrad": {"sample": 3, "noise": "loud", "samples": True},
        },
    )
    expected = [
        "unknown profile key 'sedes'; did you mean 'seeds'",
        "draws: ",
        "device: ",
        "unknown profile key 'secnods' in limits; did you mean 'seconds'",
        "limits.memory_mb: ",
        "unknown task 'atribution' in only",
        "unknown method 'gradeint' in exclude; did you mean 'gradient'",
        "unknown task 'blockmnst' in exclude; did you mean 'blockmnist'",
        "unknown subject 'blockmnits' in subjects; did you mean 'blockmnist'",
        "unknown parameter 'epoch' in subjects.blockmnist; did you mean 'epochs'",
        "subjects.blockmnist.learning_rate: expected float, got 'fast'",
        "subjects.blockmnist.seeds: ",
        "unknown variant 'standart' in tasks.attribution/blockmnist; did you mean 'standard'",
        "tasks.attribution/blockmnist.inputs: expected int, got 2.5",
        "unknown task 'blockminst' in tasks; did you mean 'blockmnist'",
        "unknown method 'smothgrad' in methods; did you mean 'smoothgrad'",
        "unknown parameter 'sample' in methods.attribution/smoothgrad; did you mean 'samples'",
        "methods.attribution/smoothgrad.noise: expected float, got 'loud'",
        "methods.attribution/smoothgrad.samples: expected int, got True",
    ]
    for text in expected:
        assert [line for line in found if text in line], f"not reported: {text}\n" + "\n".join(found)
    assert len(found) == len(expected)


@pytest.mark.parametrize(("seeds", "expected"), [(3, [0, 1, 2]), (1, [0]), ([5, 2], [5, 2])])
def test_a_number_of_seeds_stands_for_the_first_ones(seeds: Any, expected: list[int]) -> None:
    assert check_profile({"name": "test", "seeds": seeds}, plugins()).seeds == expected


@pytest.mark.parametrize("seeds", [0, -1, [], [1, 1], [-1], "three", [1.5], True, None, [[1]], {"a": 1}])
def test_bad_seeds_are_one_problem(seeds: Any) -> None:
    (line,) = problems(seeds=seeds)
    assert line.startswith("seeds")
    (line,) = problems(subjects={"blockmnist": {"seeds": seeds}})
    assert line.startswith("subjects.blockmnist.seeds")


@pytest.mark.parametrize("variants", ["standard", 3, [["standard"]], [3], [], {"standard": {}}])
def test_bad_variants_are_a_problem(variants: Any) -> None:
    (line,) = problems(tasks={TASK: {"variants": variants}})
    assert "variant" in line


@pytest.mark.parametrize(
    "parameters", [{"noise": 1}, {"noise": 0.5}, {"samples": 3}, {}, None, {"samples": 3, "noise": 0}]
)
def test_integers_pass_for_floats(parameters: Any) -> None:
    check_profile({"name": "test", "methods": {"attribution/smoothgrad": parameters}}, plugins())


def test_a_variant_of_a_method_has_a_name_of_its_own() -> None:
    settings_ = {"method": "smoothgrad", "noise": 0.3}
    check_profile({"name": "test", "methods": {"attribution/smoothgrad_loud": settings_}}, plugins())
    (line,) = problems(methods={"attribution/gradient": settings_})
    assert "'gradient' is the name of another method" in line
    (line,) = problems(methods={"attribution/oracle": settings_})
    assert "'oracle' is the name of another method" in line
    (line,) = problems(methods={"attribution/loud": {"method": "smothgrad"}})
    assert "did you mean 'smoothgrad'" in line
    (line,) = problems(methods={"attribution/a/b": settings_})
    assert "a/b" in line


@pytest.mark.parametrize("value", ["robst", "Standard"])
def test_a_value_that_is_none_of_the_choices_is_answered_with_the_nearest(value: str) -> None:
    (line,) = problems(subjects={"blockmnist": {"training": value}})
    assert "subjects.blockmnist.training" in line
    assert "did you mean" in line
    assert "none, robust, standard" in line


def test_the_name_of_an_unknown_profile_is_answered_with_the_nearest() -> None:
    with pytest.raises(TouchstoneError, match="unknown profile 'smok'; did you mean 'smoke'"):
        read_profile("smok", plugins())
    with pytest.raises(TouchstoneError, match=r"no profile file 'absent\.yaml'"):
        read_profile("absent.yaml", plugins())


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: [1", "is not valid YAML"),
        (b"seeds: 1\nseeds: 2", r"the key 'seeds' is given twice\n.*line 2, column 1"),
        (b"limits: {seconds: 1, seconds: 2}", "the key 'seconds' is given twice"),
        (b"- 1\n- 2", "must be a mapping of settings, got list"),
        (b"3", "must be a mapping of settings, got int"),
        (b"\xff\xfe\xfa", "is not valid YAML"),
        (b"a: !!python/object/apply:os.system ['true']", "is not valid YAML"),
        (b"? [1]\n: 2", "is not valid YAML"),
        (b"name: ../../elsewhere", "name"),
        (b"name: ''", "name"),
    ],
)
def test_a_file_that_is_no_profile_says_what_it_is(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(TouchstoneError, match=expected):
        read_profile(str(path), plugins())


def test_an_empty_file_is_the_profile_of_defaults(tmp_path: Path) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("")
    assert read_profile(str(path), plugins()) == Profile(name="empty")


def test_overrides_replace_top_level_keys() -> None:
    profile = read_profile("smoke", plugins(), {"only": ["attribution"], "seeds": 1})
    assert profile.only == ["attribution"]
    assert profile.seeds == [0]
    with pytest.raises(TouchstoneError, match="unknown task"):
        read_profile("smoke", plugins(), {"only": ["atribution"]})


KEYS = st.sampled_from([*(key for key in Profile.model_fields if key != "name"), "sedes", "limit", 3, None])
NAMES = st.sampled_from(
    [TASK, "blockmnist", "attribution/gradient", "x", "variants", "seeds", "method", 3, None, "a/b/c"]
)
YAML = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=5) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(KEYS, YAML, max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_content_is_a_profile_or_a_list_of_problems(content: dict[Any, Any]) -> None:
    try:
        profile = check_profile({"name": "test"} | content, plugins())
    except TouchstoneError as error:
        assert "problem(s):" in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert profile.seeds
