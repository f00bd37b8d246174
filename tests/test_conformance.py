"""Every plugin of every kind conforms; what catches those that do not is tested beside the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.conformance import findings
from benchmark.conformance.suite import KINDS
from benchmark.registry import Plugin, plugins
from benchmark.runtime import warm_up
from benchmark.sources import closure

TRAINED = ("task", "subject")
CHEAP = [plugin for kind in KINDS if kind not in TRAINED for plugin in plugins().of(kind)]
EXPENSIVE = [plugin for kind in TRAINED for plugin in plugins().of(kind)]


@pytest.fixture(autouse=True, scope="module")
def _imported() -> None:
    """Import here what every forked child would import again."""
    warm_up(closure(*(plugin.path for plugin in CHEAP if plugin.kind == "method")))
    for plugin in plugins().of("metric"):
        plugin.load()


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
    assert failed(plugin, folder) == {}
    assert not list(tmp_path.iterdir()), "what is trained for a check is no result of the project"
