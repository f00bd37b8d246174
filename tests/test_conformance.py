"""Every plugin of every kind conforms; what catches those that do not is tested beside the suite.

Here, where subjects are trained at their small sizes, the thresholds of their certificates are compared with the frozen
ones, too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmark.conformance import findings
from benchmark.conformance.subjects import hardly
from benchmark.conformance.suite import KINDS
from benchmark.conformance.tasks import LABEL
from benchmark.keys import metric_code
from benchmark.planning import make_plan
from benchmark.registry import Plugin, plugins
from benchmark.sources import closure
from benchmark.stages.train import train
from benchmark.store import Store
from benchmark.warming import warm_up
from tests.support import frozen

TRAINED = ("task", "subject")
CHEAP = [plugin for kind in KINDS if kind not in TRAINED for plugin in plugins().of(kind)]
EXPENSIVE = [plugin for kind in TRAINED for plugin in plugins().of(kind)]
HELD: dict[str, Sequence[str]] = {
    "attribution/blockmnist": ["standard", "robust", "untrained"],
    "attribution/flower_parts": ["colour_petals", "colour_leaves", "untrained_petals", "untrained_leaves"],
    "attribution/impossible_cells": ["top", "bottom", "cancelled_top", "cancelled_bottom", "untrained_top"],
    "attribution/graph_motifs": ["house", "cycle", "untrained_house", "untrained_cycle"],
    "attribution/noise_audio": ["tone", "chirp", "untrained_tone", "untrained_chirp"],
    "attribution/noise_images": ["low", "high", "untrained_low", "untrained_high"],
    "attribution/pasted_objects": ["object", "scene", "untrained_object", "untrained_scene"],
    "attribution/stacked_digits": ["robust_low", "robust_high", "untrained_low"],
    "attribution/symbolic_noise": ["noise_20", "untrained"],
    "attribution/symmetric_models": [
        *("dihedral_first", "dihedral_second", "learned_first", "learned_second", "untrained_first"),
    ],
    "attribution/tetrominoes": ["linear_upper", "linear_lower", "untrained_upper", "untrained_lower"],
    "attribution/time_series": ["spike_first", "spike_second", "untrained_first", "untrained_second"],
    "attribution/token_dependencies": [
        *("lookup_first", "lookup_second", "untrained_first", "untrained_second"),
        *("negation_first", "negation_second"),
    ],
    "description/numeric_functions": ["composed", "corrupted", "mlp", "noisy"],
    "dictionary/absorption": ["size_36"],
    "dictionary/circular_features": ["dimension_2"],
    "dictionary/hedging": ["size_16"],
    "dictionary/identifiability": ["objects_4", "untrained"],
    "dictionary/mixtures": ["hull_3"],
    "dictionary/modular_arithmetic": ["modulus_23", "dihedral_11", "untrained"],
    "dictionary/occlusion": ["ratio_2"],
    "dictionary/oversplitting": ["spread_50"],
    "dictionary/plausibility": ["classes_20"],
    "dictionary/polysemy": ["senses_2", "untrained"],
    "dictionary/shared_features": ["weak_50"],
    "dictionary/stability": ["independent"],
    "dictionary/superposition": ["l0_4"],
}
"""The variants that are held to all thresholds there are, where they are not all variants of a task."""


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """Import and read here what every forked child would import and read again."""
    warm_up(closure(*(plugin.path for plugin in (*CHEAP, *EXPENSIVE))), trains=True)
    for plugin in plugins().of("metric"):
        plugin.load()
        metric_code(plugin)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where subjects are trained once for all tasks that ask about them."""
    return tmp_path_factory.mktemp("conformance")


def named(plugin: Plugin) -> str:
    return f"{plugin.kind}:{plugin.key}"


def failed(plugin: Plugin, folder: Path | None = None) -> dict[str, str]:
    return {finding.name: finding.detail for finding in findings(plugin, folder) if not finding.passed}


@pytest.mark.parametrize("plugin", CHEAP, ids=named)
def test_it_conforms(plugin: Plugin) -> None:
    assert failed(plugin) == {}


@pytest.mark.workflow
@pytest.mark.parametrize("plugin", EXPENSIVE, ids=named)
def test_it_conforms_when_trained(
    plugin: Plugin, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if lacking := plugin.lacking or plugins().lacking(plugin):
        pytest.skip(lacking)
    assert failed(plugin, folder) == {}
    assert not list(tmp_path.iterdir()), "what is trained for a check is no result of the project"


@pytest.mark.workflow
def test_the_thresholds_of_certificates_are_frozen(folder: Path, request: pytest.FixtureRequest) -> None:
    variants = {
        task.key: {"variants": list(HELD.get(task.key, task.options["variants"]))} for task in plugins().of("task")
    }
    lacking = {each.name for each in plugins().of("subject") if each.lacking}
    subjects = {each.name: hardly(each) for each in plugins().of("subject")}  # the thresholds are the same
    plan = make_plan("smoke", overrides={"seeds": [LABEL], "tasks": variants, "subjects": subjects, "exclude": []})
    assert len(plan.problems) == sum(bool(plugins().lacking(task)) for task in plugins().of("task"))
    plan = dataclasses.replace(plan, base=folder)
    above = make_plan("smoke", overrides={"seeds": [LABEL], "tasks": {}, "exclude": []})  # what the tests above trained
    above = dataclasses.replace(above, base=folder)
    store = Store(plan.layout.results)
    for name, subject in plan.subjects.items():
        trained = above.layout.train_index(name, 0).is_file() and above.subject(name).seeds == subject.seeds
        train(above if trained else plan, store, name)
    seen = frozen.thresholds(plan, store)
    if request.config.getoption("--freeze"):
        frozen.write(seen, lacking)
    known = {one: reason for one, reason in frozen.read().items() if one.subject not in lacking}
    new, gone = (sorted(map(str, one)) for one in (seen - known.keys(), known.keys() - seen))
    assert (new, gone) == ([], []), "run `pytest tests/test_conformance.py -k frozen --freeze`, then write the reasons"
    assert [str(one) for one, reason in known.items() if not reason.strip()] == [], "a threshold needs its reason"
