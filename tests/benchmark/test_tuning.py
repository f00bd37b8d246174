"""Tuning finds what a method needs, on seeds of its own, computes nothing twice, and gives everybody the same."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from benchmark.cli import app
from benchmark.config import check_profile
from benchmark.config.spaces import SEEDS, TUNING_SEEDS, Choice, Range, candidates, space
from benchmark.errors import TouchstoneError
from benchmark.listing import _entry
from benchmark.tuning import Outcome, Tuned, advice, tune, tune_and_print
from tests.support.project import Project

NOISY = (
    "generator = torch.Generator().manual_seed(question.seed)\n"
    "return question.model.weight[1] + noise * torch.randn(question.inputs.shape, generator=generator)"
)
"""The answer in noise, which is too loud by default."""
LOUD = {"low": 0.05, "high": 20.0}


@pytest.fixture
def noisy(project: Project) -> Project:
    """The toy project with a profile in a file, and one method to tune."""
    settings = {"seeds": 3, "draws": 20, "device": "cpu", "tasks": {"attribution/toytask": {"variants": ["plain"]}}}
    Path("toy.yaml").write_text(yaml.safe_dump(settings))
    project.method("noisy", NOISY, parameters="noise: float = 5.0", tunable={"noise": LOUD})
    return project


def tuned(project: Project, trials: int = 4, **settings: Any) -> Tuned:
    return tune("toy.yaml", "attribution/noisy", trials=trials, registry=project.registry, **settings)


def skills(found: Tuned) -> list[Any]:
    return [(one.changes, one.by_seed) for one in found.outcomes]


def made(text: str) -> int:
    """How many explanations the last run had to make, as it logged."""
    return sum(map(int, re.findall(r"explanations: (\d+) to make", text)))


def test_the_best_trial_has_the_least_noise(noisy: Project) -> None:
    found = tuned(noisy, 6)
    tried = [one.changes.get("noise", 5.0) for one in found.outcomes]
    assert tried[0] == 5.0
    assert len(set(tried)) == 6
    assert found.best.changes == {"noise": min(tried)}
    assert found.best.skill == max(one.skill for one in found.outcomes) > found.outcomes[0].skill
    assert sorted(found.gain) == list(TUNING_SEEDS[:SEEDS])
    assert min(found.gain.values()) > 0
    assert {one.instances for one in found.outcomes} == {SEEDS}
    kept = pd.read_csv(found.path)
    assert kept.skill.to_list() == pytest.approx([one.skill for one in found.outcomes], abs=1e-5)
    assert [json.loads(text) for text in kept.parameters] == [one.changes for one in found.outcomes]
    lines = advice(found)
    written = yaml.safe_load("\n".join(lines[2:]))
    assert check_profile({"name": "next", **written}, noisy.registry).methods == {
        "attribution/noisy": found.best.changes
    }
    assert "disagree" not in lines[0]


def test_what_is_printed_can_be_written_into_a_profile(noisy: Project, capsys: pytest.CaptureFixture[str]) -> None:
    tune_and_print("toy.yaml", "attribution/noisy", trials=2, registry=noisy.registry)
    text = capsys.readouterr().out
    assert "attribution/noisy: 2 trials" in text
    assert "as it is" in text
    assert '{"noise": 0.101}' in text
    written = yaml.safe_load(text.partition("parameters):")[2])
    assert written == {"methods": {"attribution/noisy": {"noise": 0.101}}}


def test_the_command_line_hands_everything_on() -> None:
    options = ["--profile", "smoke", "--task", "attribution/blockmnist", "--trials", "2", "--seconds", "3"]
    found = CliRunner().invoke(app, ["tune", "attribution/gradientt", *options])
    assert "did you mean 'gradient'" in str(found.exception)
    assert CliRunner().invoke(app, ["tune", "attribution/gradient", "--trials", "0"]).exit_code == 2


def _found(*by_seed: dict[int, float]) -> Tuned:
    trials = [
        Outcome({"a": n} if n else {}, sum(s.values()) / len(s), s, len(s), 0, 1.0) for n, s in enumerate(by_seed)
    ]
    return Tuned("family/method@4x", tuple(trials), Path("trials.csv"))


def test_a_gain_on_which_the_seeds_disagree_changes_nothing() -> None:
    (line,) = advice(_found({0: 0.5, 1: 0.5}, {0: 0.9, 1: 0.4}))
    assert "+0.400 on seed 0, -0.100 on seed 1 above the method as it is: the seeds disagree" in line
    first, _, *written = advice(_found({0: 0.5, 1: 0.5}, {0: 0.9, 1: 0.6}))
    assert "disagree" not in first
    assert yaml.safe_load("\n".join(written)) == {"methods": {"family/method": {"a": 1}}}, "a budget is no method"
    assert "one seed says little" in advice(_found({0: 0.5}, {0: 0.9}))[0]
    assert advice(_found({0: 0.5, 1: 0.5}, {0: 0.5, 1: 0.5})) == ["best: the method as it is; nothing to change"]


def test_it_leaves_the_profile_own_results_alone(noisy: Project) -> None:
    found = tuned(noisy, 2)
    assert {path.name for path in Path("results").iterdir()} == {"toy.tuning"}
    assert found.path == Path("results/toy.tuning/trials/attribution.noisy.csv").absolute()
    seeds = {int(path.name) for path in Path("results/toy.tuning/subjects/toy").iterdir() if path.is_dir()}
    assert seeds == set(TUNING_SEEDS[:SEEDS])
    assert not Path("leaderboard").exists()


def test_nothing_is_computed_twice(noisy: Project, lines: Any) -> None:
    first = tuned(noisy, 3)
    assert made(lines()) == 3 * SEEDS
    assert tuned(noisy, 3).path.read_bytes() == first.path.read_bytes()
    assert made(lines()) == 3 * SEEDS
    more = tuned(noisy, 5)
    assert made(lines()) == 5 * SEEDS
    assert more.outcomes[:3] == first.outcomes
    noisy.method("noisy", NOISY + " * 1", parameters="noise: float = 5.0", tunable={"noise": LOUD})
    tuned(noisy, 1)
    assert made(lines()) == 6 * SEEDS, "another code is another method"


def test_a_run_that_was_stopped_goes_on(noisy: Project, lines: Any) -> None:
    """What is lost is what was not written: here the explanations of one trial."""
    first = tuned(noisy, 3)
    (lost, *_) = sorted(Path("results/toy.tuning/explanations/attribution.toytask").glob("noisy-*/*.json"))
    lost.unlink()
    assert skills(tuned(noisy, 3)) == skills(first)
    assert made(lines()) == 3 * SEEDS + 1


def test_no_trial_begins_after_the_time_is_spent(noisy: Project) -> None:
    slow = NOISY.replace(
        "return", "end = time.process_time() + 0.2\nwhile time.process_time() < end:\n    pass\nreturn"
    )
    noisy.method("noisy", slow, parameters="noise: float = 5.0", tunable={"noise": LOUD})
    stopped = tuned(noisy, 6, seconds=0.5)
    assert len(stopped.outcomes) == 2, "each takes 0.2 s on each of two seeds"
    assert tuned(noisy, 6, seconds=0.5) == stopped, "what was kept counts as it did"


def test_who_fails_or_declines_gains_nothing(noisy: Project) -> None:
    body = "if noise < 5: raise {}\n" + NOISY
    for error in ("RuntimeError('no')", "Unsupported('no')"):
        noisy.method("noisy", body.format(error), parameters="noise: float = 5.0", tunable={"noise": (0.1, 5.0, 6.0)})
        found = tuned(noisy)
        assert len(found.outcomes) == 3, "the space holds no more"
        (quiet,) = (one for one in found.outcomes if one.changes == {"noise": 0.1})
        assert quiet.skill == 0
        assert quiet.failures == (SEEDS if "Runtime" in error else 0)


def test_a_method_with_a_budget_is_tried_at_the_largest(noisy: Project) -> None:
    settings = yaml.safe_load(Path("toy.yaml").read_text())
    Path("toy.yaml").write_text(yaml.safe_dump({**settings, "budgets": [1, 100]}))
    body, parameters = NOISY.replace("noise *", "noise / steps *"), "noise: float = 5.0, steps: int = 1"
    noisy.method("noisy", body, parameters=parameters, tunable={"noise": (5.0, 50.0)}, budget="steps")
    large = tuned(noisy)
    small = tune("toy.yaml", "attribution/noisy@1x", registry=noisy.registry)
    assert (large.method, small.method) == ("attribution/noisy", "attribution/noisy@1x")
    assert large.outcomes[0].skill > 0.9 > small.outcomes[0].skill
    assert [one.changes for one in large.outcomes] == [one.changes for one in small.outcomes] == [{}, {"noise": 50.0}]
    assert small.path != large.path


def test_a_method_in_a_file_has_the_same_allowance(noisy: Project) -> None:
    path = noisy.folder / "noisy.py"
    registry = noisy.registry
    by_file = tune("toy.yaml", str(path), trials=2, registry=registry)
    assert by_file.method == "attribution/noisy"
    assert skills(by_file) == skills(tuned(noisy, 2))


@pytest.mark.parametrize(
    ("method", "settings", "said"),
    [
        ("attribution/still", {}, "declares nothing to tune: add for example tunable="),
        ("attribution/noise", {}, "did you mean 'noisy'"),
        ("atribution/noisy", {}, "did you mean 'attribution'"),
        ("attribution/picky", {}, "applies to no task: it requires colours"),
        ("attribution/noisy", {"task": "attribution/toytosk"}, "did you mean 'toytask'"),
        ("attribution/silent", {}, "no trial of attribution/silent can be compared"),
    ],
)
def test_what_cannot_be_tuned_is_told(noisy: Project, method: str, settings: dict[str, str], said: str) -> None:
    noisy.method("still")
    noisy.method("picky", requires=("colours",), tunable={"scale": (1.0, 2.0)})
    noisy.method("silent", "raise Unsupported('no')", tunable={"scale": (1.0, 2.0)})
    with pytest.raises(TouchstoneError) as caught:
        tune("toy.yaml", method, registry=noisy.registry, **settings)
    assert said in str(caught.value)


BAD_SPACES = {
    "unknown": ({"nose": (1, 2)}, "unknown parameter 'nose' in tunable of method attribution/noisy; did you mean 'noi"),
    "half a range": ({"noise": {"low": 1.0}}, "noise: expected {'low': ..., 'high': ...} or a tuple"),
    "upside down": ({"noise": {"low": 2.0, "high": 1.0}}, "expected a range with 0 < low < high"),
    "from nothing": ({"noise": {"low": 0.0, "high": 1.0}}, "expected a range with 0 < low < high"),
    "one choice": ({"noise": (1.0,)}, "a tuple of at least two different choices"),
    "twice": ({"noise": (1.0, 2.0, 1.0)}, "a tuple of at least two different choices"),
    "a number": ({"noise": 3.0}, "a tuple of at least two different choices"),
    "text": ({"noise": (1.0, "two")}, "expected float, got 'two'"),
    "fractions of a whole": ({"count": {"low": 1.0, "high": 2.5}}, "count: expected int, got 1.0"),
    "a range of words": ({"kind": {"low": 1, "high": 2}}, "for a parameter that is 'plain'"),
    "no choice of its": ({"kind": ("plain", "fancy", "odd")}, "unknown choice 'odd'"),
    "the budget": ({"steps": (1, 9)}, "'steps' is the budget, expected parameters that buy nothing"),
    "no mapping": (("noise",), "tunable: got ['noise'], expected a dictionary"),
}
PARAMETERS = (
    "noise: float = 5.0, steps: int = 3, count: int = 3, kind: __import__('typing').Literal['plain', 'fancy'] = 'plain'"
)


@pytest.mark.parametrize("case", BAD_SPACES)
def test_an_impossible_space_is_a_problem_of_its_method(noisy: Project, case: str) -> None:
    declared, said = BAD_SPACES[case]
    noisy.method("noisy", NOISY, parameters=PARAMETERS, tunable=declared, budget="steps")
    with pytest.raises(TouchstoneError) as caught:
        tuned(noisy)
    assert said in str(caught.value)


def test_a_space_is_read_as_it_is_declared(noisy: Project) -> None:
    declared = {"noise": LOUD, "count": {"low": 1, "high": 9}, "kind": ("plain", "fancy")}
    noisy.method("noisy", NOISY, parameters=PARAMETERS, tunable=declared)
    found = space(noisy.read("method", "noisy"))
    assert _entry(noisy.read("method", "noisy"), noisy.registry)["tunable"] == declared, "it is listed"
    assert found == {"noise": Range(0.05, 20.0), "count": Range(1, 9, whole=True), "kind": Choice(("plain", "fancy"))}


lows = st.floats(1e-6, 1e3)
ranges = st.builds(lambda low, factor: Range(low, low * factor), lows, st.floats(1.01, 1e6))
wholes = st.builds(lambda low, more: Range(low, low + more, whole=True), st.integers(1, 50), st.integers(1, 500))
choices = st.builds(Choice, st.lists(st.integers(), min_size=2, max_size=5, unique=True).map(tuple))
spaces = st.dictionaries(st.sampled_from("abcd"), ranges | wholes | choices, min_size=1)


@given(spaces, st.integers(1, 12), st.integers(0, 12))
def test_candidates_lie_in_their_space_and_more_begin_with_fewer(
    dimensions: dict[str, Any], count: int, more: int
) -> None:
    known = dict.fromkeys(dimensions)
    found = candidates(dimensions, count, known)
    assert found == candidates(dimensions, count + more, known)[:count]
    assert len({json.dumps(one) for one in found}) == len(found) <= count
    for one in found:
        for name, dimension in dimensions.items():
            if isinstance(dimension, Choice):
                assert one[name] in dimension.values
            else:
                assert dimension.low <= one[name] <= dimension.high
                assert isinstance(one[name], int) == dimension.whole


@given(st.integers(2, 40))
def test_one_range_is_covered_evenly(count: int) -> None:
    """By the three-gap theorem no gap of the golden sequence is longer than 2.62 times the mean one."""
    found = sorted(candidates({"a": Range(1.0, 2.0**20)}, count, {"a": None}), key=lambda one: one["a"])
    places = [0.0, *(math.log2(one["a"]) / 20 for one in found), 1.0]
    assert max(right - left for left, right in pairwise(places)) < 2.62 / count + 1e-3


def test_what_is_known_is_not_tried_again_and_a_space_may_end() -> None:
    found = candidates({"a": Choice((1, 2, 3))}, 12, {"a": 2, "b": 0})
    assert sorted(one["a"] for one in found) == [1, 3]
    assert candidates({}, 3, {"a": 2}) == []


@pytest.mark.parametrize(
    "content", [{"seeds": [0, TUNING_SEEDS[3]]}, {"subjects": {"toy": {"seeds": [TUNING_SEEDS[-1]]}}}]
)
def test_no_profile_scores_a_tuning_seed(project: Project, content: dict[str, Any]) -> None:
    with pytest.raises(
        TouchstoneError, match=r"seeds that are kept for `touchstone tune` \(9000 to 9099\), never scored"
    ):
        check_profile({"name": "greedy", **content}, project.registry)
    sealed = check_profile({"name": "sealed", "seeds": {"sealed": 1000}}, project.registry)
    assert max(sealed.seeds) < TUNING_SEEDS[0], "labels of sealed seeds are none of them"
