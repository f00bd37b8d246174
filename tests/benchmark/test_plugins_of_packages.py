"""Installed packages bring plugins by entry points; whatever is wrong with one of them touches no other."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmark import declarations, registry
from benchmark.registry import PROJECT

GOOD = '''"""A method: what it does (source)."""
from benchmark.families.attribution import attribution_method

@attribution_method(cites="x")
def good(question, *, samples: int = 32):
    pass
'''
PROGRAM = """
import json, os, sys
from benchmark import declarations
declarations.SECONDS, declarations.MEMORY_MB = {seconds}, {memory}
if "ASKED" in os.environ:
    ask = declarations.Reader.ask
    def noted(reader, wanted):
        open(os.environ["ASKED"], "a").write(wanted.module + chr(10))
        return ask(reader, wanted)
    declarations.Reader.ask = noted
from benchmark.listing import entries
from benchmark.registry import plugins
found = entries()
print(json.dumps([[m for m in ("torch", "captum", "pandas") if m in sys.modules], found]))
if {loads}:
    assert plugins().find("method", "attribution/gradient").load().__name__ == "gradient"
"""


def listed(
    *path: Path,
    project: Path = PROJECT,
    cache: Path | None = None,
    seconds: float = 60,
    memory: float = 4000,
    loads: bool = True,
) -> tuple[list[str], list[dict[str, Any]]]:
    """The answer of `touchstone list --json` in another process, and which large libraries it imported. Unless told
    otherwise, a method must still load there, which imports them."""
    places = [str(project), *map(str, path), os.environ.get("PYTHONPATH", "")]
    environment = (
        os.environ | {"PYTHONPATH": os.pathsep.join(places)} | ({"XDG_CACHE_HOME": str(cache)} if cache else {})
    )
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(seconds=seconds, memory=memory, loads=loads)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=project,
    )
    assert answer.returncode == 0, answer.stderr
    libraries, found = json.loads(answer.stdout)
    return libraries, found


def install(folder: Path, name: str, modules: dict[str, str], entries: str) -> Path:
    """Lay out an installed package as pip does: its modules, and its metadata with entry points."""
    for module, text in modules.items():
        path = folder / name / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(entries)
    return folder


def of_package(found: list[dict[str, Any]], package: str) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in found if entry.get("origin") == package}


def own_problems(found: list[dict[str, Any]]) -> dict[str, str]:
    return {e["name"]: e["problem"] for e in found if e.get("origin") == "touchstone" and "problem" in e}


def test_entry_points_add_plugins_and_broken_ones_become_problems(tmp_path: Path) -> None:
    modules = {"__init__.py": "", "first.py": GOOD, "broken.py": "def (", "deep/inner.py": GOOD}
    modules |= {"bad/__init__.py": "raise SystemExit(3)", "bad/inner.py": GOOD}
    modules |= {"silent/__init__.py": "import time; time.sleep(1000)", "silent/inner.py": GOOD}
    modules["curious.py"] = "from benchmark.registry import plugins\nplugins()\n" + GOOD
    entries = (
        "[touchstone.methods]\nfirst = extra.first:good\nabsent = extra.absent:good\nbroken = extra.broken:good\n"
        "misnamed = extra.first:worse\nexits = extra.bad.inner:good\nnonsense = .:x\nempty =\n"
        "inner = extra.deep.inner\n"
        "elsewhere = no_such_package.a:b\nsilent = extra.silent.inner:good\ncurious = extra.curious:good\n"
        f"../../escaped = extra.first:good\n{'n' * 300} = extra.first:good\n"
        "[touchstone.families]\nspare = extra.first:good\n"
    )
    _, everything = listed(install(tmp_path, "extra", modules, entries), seconds=4)
    assert own_problems(everything) == {}
    found = of_package(everything, "extra")
    for name in ("first", "inner"):
        assert (found[name]["family"], found[name]["defaults"]) == ("attribution", {"samples": 32})
        assert "problem" not in found[name]
    expected = {
        "absent": "names a module that does not exist: extra.absent",
        "broken": "cannot be read: SyntaxError",
        "misnamed": "declares no method called 'worse'",
        "exits": "cannot be read: SystemExit: 3",
        "nonsense": "'.:x'",
        "empty": "is malformed",
        "elsewhere": "does not exist: no_such_package.a",
        "silent": "took longer than the limit of 4 s",
        "curious": "asked for the list of plugins while it was imported",
        "escaped": "entry point '../../escaped' of extra: name: got '../../escaped', expected a small letter",
        "n" * 64: "expected a small letter, then at most 63",
        "spare": "expected <package>.family:FAMILY",
    }
    for name, problem in expected.items():
        assert problem in found[name]["problem"]
    assert found.keys() == {"first", "inner", *expected}


def test_entry_points_that_python_cannot_parse_are_a_problem_of_their_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, "mangled", {"__init__.py": ""}, "[touchstone.methods]\nno equals sign\n")
    install(tmp_path, "extra", {"__init__.py": "", "first.py": GOOD}, "[touchstone.methods]\nfirst = extra.first\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = {one.name: one for one in registry._from_entry_points()}
    assert "entry points of mangled cannot be read" in found["mangled"].problem
    assert found["first"].path == str(tmp_path / "extra" / "first.py")
    assert "extra" not in sys.modules


ENDINGS = {
    "leaves": ("import os\nos._exit(0)", "importing it ended the process (status 0)"),
    "crashes": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
    "hungry": ("import time\nx = b'x' * (600 << 20)\ntime.sleep(1000)", "more memory than the limit of 400 MB"),
    "forks": ("import os, time\nif os.fork() == 0: time.sleep(1000)\nos._exit(1)", "ended the process (status 1)"),
}


def test_whoever_ends_the_child_is_the_only_one_that_is_lost(tmp_path: Path) -> None:
    modules = {"__init__.py": ""} | {f"{name}.py": body for name, (body, _) in ENDINGS.items()}
    modules["loud.py"] = "print('x' * (50 << 20))\nimport sys\nsys.stderr.write('y' * (50 << 20))\n" + GOOD
    poison = "import os, threading\nthreading.Timer(0.2, lambda: os._exit(9)).start()\n"
    modules |= {"poison.py": poison + GOOD, "victim.py": "import time\ntime.sleep(2)\n" + GOOD}
    names = [*ENDINGS, "loud", "poison", "victim"]
    entries = "[touchstone.methods]\n" + "".join(f"{name} = extra.{name}\n" for name in names)
    _, everything = listed(install(tmp_path, "extra", modules, entries), memory=400)
    found = of_package(everything, "extra")
    assert own_problems(everything) == {}
    for name, (_, problem) in ENDINGS.items():
        assert problem in found[name]["problem"]
    assert not [name for name in ("loud", "poison", "victim") if "problem" in found[name]]


def test_listing_imports_no_torch_and_again_only_what_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, cache, site = tmp_path / "log", tmp_path / "cache", tmp_path / "site"
    monkeypatch.setenv("ASKED", str(log))
    note = "import os\n"
    modules = {"__init__.py": "", "_shared.py": "", "a.py": note + "from extra import _shared\n" + GOOD}
    modules |= {
        "b.py": note + "from extra._shared import *\n" + GOOD,
        "c.py": note + GOOD,
        "d.py": note + "raise ValueError",
    }
    entries = "[touchstone.methods]\n" + "".join(f"{name} = extra.{name}\n" for name in "abcd")
    install(site, "extra", modules, entries)
    listed(loads=False)
    shutil.copytree(declarations._Memory().folder or tmp_path, cache / "touchstone")

    def imported() -> str:
        """Which plugins of the package one more listing imports; it must find all of them."""
        log.write_text("")
        libraries, found = listed(site, cache=cache, loads=False)
        assert libraries == []
        assert {name: "problem" in entry for name, entry in of_package(found, "extra").items()} == {
            "a": False, "b": False, "c": False, "d": True
        }  # fmt: skip
        return "".join(line.removeprefix("extra.") for line in log.read_text().split() if line.startswith("extra."))

    assert imported() == "abcd"
    assert imported() == ""
    (site / "extra" / "c.py").write_text(modules["c.py"] + "x = 1\n")
    assert imported() == "c"
    (site / "extra" / "_shared.py").write_text("x = 1\n")
    assert imported() == "ab"
    (site / "extra" / "_shared.py").write_text("")
    assert imported() == "", "what was so before is remembered"
    (site / "another").mkdir()
    assert imported() == "d", "what it lacked may have been installed"
    kept = [path for path in (cache / "touchstone").iterdir() if str(site) in path.read_text()]
    for number, path in enumerate(kept):
        path.write_bytes([b"", b"[" * 9999, b"[3]", b'[{"files": 3}]', b'[{"files": {}}]', b"\xff"][number % 6])
    assert imported() == "abcd", "a damaged memory is none"


def test_a_memory_that_cannot_be_written_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    path = tmp_path / "good.py"
    path.write_text(GOOD)
    (plugin,) = registry.read(path, "method", "attribution", "somewhere")
    assert (plugin.name, plugin.problem) == ("good", "")


FAMILY = """
import dataclasses
from benchmark.families.attribution.family import FAMILY as MODEL
FAMILY = dataclasses.replace(MODEL, name="widgets")
"""
REFERENCES = '''
from benchmark.plugins import reference

@reference(draws=True)
def random(question, generator):
    """Chance."""

@reference()
def oracle(question, truth):
    """The truth."""
'''
METRIC = '''
from benchmark.plugins import metric

@metric(range=(0, 1), direction="higher")
def share(truth):
    """A share."""
'''


def test_a_package_brings_a_family_with_its_references_metrics_and_methods(tmp_path: Path) -> None:
    modules = {
        "__init__.py": '"""Widgets: which one turns?"""',
        "family.py": FAMILY,
        "references.py": REFERENCES,
        "metrics/share.py": METRIC,
        "metrics/_helper.py": "raise ValueError",
        "metrics/bad.py": "raise ValueError",
        "method.py": GOOD.replace("@attribution_method", "@method_decorator('widgets')").replace(
            "families.attribution import attribution_method", "plugins import method_decorator"
        ),
    }
    entries = "[touchstone.families]\nwidgets = widgets.family:FAMILY\nattribution = widgets.family\n"
    entries += "gadgets = gadgets.family\n[touchstone.methods]\nturn = widgets.method:good\n"
    install(tmp_path, "widgets", modules, entries)
    install(tmp_path, "gadgets", {"__init__.py": "", "family.py": FAMILY, "references.py": REFERENCES}, "")
    _, everything = listed(tmp_path)
    assert own_problems(everything) == {}
    found = of_package(everything, "widgets")
    assert {name for name, entry in found.items() if entry["family"] == "widgets" and "problem" not in entry} == {
        "random", "oracle", "share", "turn"
    }  # fmt: skip
    assert found["widgets"]["kind"] == "family"
    assert found["widgets"]["summary"] == "Widgets: which one turns?"
    assert "ValueError" in found["bad"]["problem"]
    assert "there is a family of that name already" in found["attribution"]["problem"]
    assert "is the family 'widgets', but lies or is entered under 'gadgets'" in found["gadgets"]["problem"]


def test_a_name_that_is_taken_is_a_problem_of_whoever_takes_it(tmp_path: Path) -> None:
    modules = {"__init__.py": "", "a.py": GOOD, "b.py": GOOD, "metrics/auroc.py": METRIC}
    entries = "[touchstone.methods]\ngradient = {0}.a:good\noracle = {0}.b:good\nmine = {0}.a:good\n"
    subject = "[touchstone.metrics]\nauroc = attribution.metrics.auroc\n"
    for name in ("one", "two"):
        install(tmp_path, name, modules, entries.format(name))
    install(tmp_path, "attribution", modules, subject)
    _, everything = listed(tmp_path)
    assert own_problems(everything) == {}
    for package, other in (("one", "two"), ("two", "one")):
        found = of_package(everything, package)
        for name in ("gradient", "oracle", "mine"):
            assert f"'attribution/{name}' is not the only one of that name" in found[name]["problem"]
            assert found[name]["family"] is None, "its rows would be taken for another's"
        assert f"method of {other}" in found["mine"]["problem"]
        assert "reference of touchstone" in found["oracle"]["problem"]
    assert "metric 'attribution/auroc' is not the only one" in of_package(everything, "attribution")["auroc"]["problem"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the project, to be spoilt."""
    for folder in ("benchmark", "methods", "tasks"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_files_in_wrong_places_and_under_taken_names_are_problems(copied: Path) -> None:
    for folder, name, text in (
        ("atribution", "stray", GOOD.replace("@attribution_method", "@method_decorator('atribution')").replace(
            "families.attribution import attribution_method", "plugins import method_decorator")),
        ("probing", "lost", GOOD),
        ("attribution", "_helper", "import torch\n"),
        ("attribution", "oracle", GOOD),
        ("attribution", "Capital", GOOD),
    ):  # fmt: skip
        (copied / "methods" / folder).mkdir(exist_ok=True)
        (copied / "methods" / folder / f"{name}.py").write_text(text)
    (copied / "benchmark" / "families" / "description" / "family.py").write_text("FAMILY = 3\n")
    libraries, found = listed(project=copied)
    assert libraries == []
    problems: dict[str, list[str]] = {}
    for entry in found:
        if "problem" in entry:
            problems.setdefault(f"{entry['family']}/{entry['name']}", []).append(entry["problem"])
    assert "lies in the folder of probing but is declared for attribution" in problems["probing/lost"][0]
    assert "no family 'atribution'" in problems["atribution/stray"][0]
    (taken,) = problems["None/oracle"]
    assert "not the only one of that name: also reference of touchstone" in taken
    assert "attribution/oracle" not in problems, "the reference itself gives the scale and stays"
    assert "expected a small letter" in problems["attribution/Capital"][0]
    assert "holds no family: expected FAMILY = Family(...)" in problems["None/description"][0]
    assert "family 'description' has a problem" in problems["description/polynomial"][0]
    expected = {"probing/lost", "atribution/stray", "None/oracle", "attribution/Capital", "None/description"}
    assert {key for key in problems if not key.startswith("description/")} == expected
