"""Plugins are found and read without being imported; what cannot be read becomes a plugin with a problem."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.registry import PROJECT, Plugin, Registry, plugins, read, read_file

HEAD = '"""A method: what it does (source)."""\n'
GOOD = (
    HEAD + '@attribution_method(cites="x")\ndef good(subject, *, samples: int = 32, noise: float = 0.15):\n    pass\n'
)


def written(folder: Path, text: str | bytes, name: str = "good.py") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read_one(path: Path, kind: str = "method", family: str | None = "attribution") -> Plugin:
    (plugin,) = read(path, kind, family, "somewhere")
    return plugin


def test_a_method_says_what_stands_in_its_source(tmp_path: Path) -> None:
    plugin = read_one(written(tmp_path, GOOD))
    assert (plugin.kind, plugin.name, plugin.family) == ("method", "good", "attribution")
    assert plugin.key == "attribution/good"
    assert plugin.summary == "A method: what it does (source)."
    assert plugin.cites == "x"
    assert plugin.defaults == {"samples": 32, "noise": 0.15}
    assert not plugin.problem


def test_every_file_of_the_project_is_read_without_a_problem() -> None:
    registry = plugins()
    assert [f"{p.key}: {p.problem}" for p in registry.plugins if p.problem] == []
    for kind in ("method", "task", "metric", "subject", "reference"):
        assert registry.of(kind)
    assert {p.family for p in registry.of("method")} <= set(registry.families)
    assert {p.family for p in registry.of("task")} <= set(registry.families)
    for family in registry.families:
        assert {"random", "oracle"} <= {p.name for p in registry.of("reference", family)}


def test_what_was_read_agrees_with_what_is_imported() -> None:
    for plugin in plugins().plugins:
        loaded = plugin.load()
        definition = loaded.__touchstone__
        assert definition.kind == plugin.kind
        assert definition.cites == plugin.cites
        for option, value in plugin.options.items():
            assert definition.options[option] == value
        if plugin.kind in ("method", "task"):
            assert definition.family == plugin.family
        if plugin.kind in ("task", "subject"):
            assert {name: getattr(loaded(), name) for name in plugin.defaults} == plugin.defaults
        elif plugin.kind == "method":
            assert (loaded.__kwdefaults__ or {}) == plugin.defaults


PROBLEMS = {
    "syntax": (HEAD + "def broken(:\n", "cannot be read: SyntaxError"),
    "bytes": (b"\xff\xfe\x00", "cannot be read"),
    "null": ("x = 1\x00", "cannot be read"),
    "nested": ("(" * 5000 + ")" * 5000, "cannot be read"),
    "deep": ("x = " + "-" * 20000 + "1", "cannot be read"),
    "empty": ("", "declares no method"),
    "undecorated": (HEAD + "def good(subject):\n    pass\n", "declares no method"),
    "uncalled": (HEAD + "@attribution_method\ndef good(subject):\n    pass\n", "declares no method"),
    "two": (GOOD + GOOD.replace("def good", "def better"), "declares 2 methods (good, better); expected one a file"),
    "elsewhere": (GOOD.replace("attribution_", "probing_"), "lies in the folder of attribution but is declared for"),
    "computed default": (GOOD.replace("32", "2 ** 5"), "must be literals"),
    "called default": (GOOD.replace("32", "int('32')"), "must be literals"),
    "no default": (GOOD.replace(": int = 32", ": int"), "parameter 'samples' has no default"),
    "computed citation": (GOOD.replace('"x"', "SOURCE"), "must be literals"),
    "unhashable": (GOOD.replace("32", "{[1]: 2}"), "must be literals"),
    "name": (GOOD.replace('cites="x"', 'cites="x", name=3'), "name"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, case: str) -> None:
    text, expected = PROBLEMS[case]
    plugin = read_one(written(tmp_path, text))
    assert expected in plugin.problem
    assert plugin.name == "good"
    with pytest.raises(TouchstoneError, match=r"method attribution/good cannot be loaded"):
        plugin.load()


TASK = """
@attribution_task(subject="s", primary="p", metrics=("p",), variants={"v": {}})
class Good:
    inputs: int = 3
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TASK.replace('primary="p", ', ""), "lacks primary"),
        (TASK.replace('subject="s", ', "").replace(', variants={"v": {}}', ""), "lacks subject, variants"),
        (TASK.replace('primary="p"', 'primary="q"'), "primary metric 'q'"),
        (TASK.replace("(subject", "(**others, subject"), "must be literals"),
        (TASK.replace('{"v": {}}', '["v"]'), "variants"),
        (TASK.replace('{"v": {}}', "{}"), "variants"),
        (TASK.replace("(subject", '(unranked="v", subject'), "unranked: got 'v'"),
        (TASK.replace("(subject", "(unranked=[[1]], subject"), "unknown variant '[1]' in unranked"),
        (TASK.replace("(subject", '(twins=("v",), subject'), "twins: got"),
        (TASK.replace("(subject", '(twins={"v": "w"}, subject'), "unknown variant 'w' in twins"),
    ],
)
def test_a_task_that_declares_too_little_says_what(tmp_path: Path, text: str, expected: str) -> None:
    assert not read_one(written(tmp_path, TASK), "task").problem
    assert expected in read_one(written(tmp_path, text), "task").problem


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
@example(b"@x_method(cites={[]: 1})\ndef f(): pass")
@example(b"@x_method(**{})\ndef f(*, a={{}}): pass")
@example(b"@x_method(cites=-'a')\ndef f(): pass")
@example(b"@x_method(name=[])\ndef f(): pass")
@settings(max_examples=150, deadline=None)
def test_reading_an_arbitrary_file_never_raises(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), content)
        for kind in ("method", "task", "subject", "metric"):
            for plugin in read(path, kind, None, "somewhere"):
                assert plugin.problem or plugin.symbol
                assert isinstance(plugin.name, str)


SOURCES = st.sampled_from(["attribution_method", "probing_method", "metric", "other"])
VALUES = st.sampled_from(["1", "'a'", "(1, 2)", "{'a': 1}", "None", "f()", "[x]", "{[]: 1}", "-'a'", "1 + 1j", "1e999"])


@given(SOURCES, st.lists(st.tuples(st.sampled_from("abc"), VALUES), max_size=3, unique_by=lambda p: p[0]), VALUES)
@settings(max_examples=150, deadline=None)
def test_reading_any_declaration_never_raises(decorator: str, defaults: list[tuple[str, str]], cites: str) -> None:
    arguments = "".join(f", {name}={value}" for name, value in defaults)
    star = ", *" if defaults else ""
    text = f"@{decorator}(cites={cites})\ndef f(subject{star}{arguments}):\n    pass\n"
    with tempfile.TemporaryDirectory() as folder:
        plugin = read_one(written(Path(folder), text))
        assert plugin.problem or plugin.defaults.keys() == {name for name, _ in defaults}


def test_an_absent_file_is_a_problem(tmp_path: Path) -> None:
    assert "cannot be read: FileNotFoundError" in read_one(tmp_path / "absent.py").problem


@pytest.mark.parametrize("name", ["gradeint", "attribution/gradeint"])
def test_an_unknown_name_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown method 'gradeint'; did you mean '(attribution/)?gradient'"):
        plugins().find("method", name)


def test_a_name_is_found_with_and_without_its_family() -> None:
    registry = plugins()
    assert registry.find("method", "gradient") is registry.find("method", "attribution/gradient")
    assert registry.find("method", "gradient", "attribution") is registry.find("method", "gradient")


def test_an_ambiguous_name_lists_the_full_ones() -> None:
    one, two = (Plugin("method", "mean", family, Path(), "m") for family in ("attribution", "probing"))
    with pytest.raises(TouchstoneError, match="ambiguous: say which of attribution/mean, probing/mean"):
        Registry((one, two)).find("method", "mean")
    assert Registry((one, two)).find("method", "probing/mean") is two


def test_a_file_outside_the_project_is_read_and_loaded(tmp_path: Path) -> None:
    text = '"""S."""\nfrom benchmark.families.attribution import attribution_method\n' + GOOD.replace(HEAD, "")
    plugin = read_file(written(tmp_path, text))
    assert plugin.origin == "file"
    assert plugin.key == "attribution/good"
    assert plugin.load().__kwdefaults__ == {"samples": 32, "noise": 0.15}
    inside = PROJECT / "methods" / "attribution" / "gradient.py"
    assert read_file(inside) is plugins().find("method", "gradient")
    with pytest.raises(TouchstoneError, match="declares no method"):
        read_file(written(tmp_path, "", "empty.py"))


def listed(*arguments: str, path: Path | None = None, project: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """The answer of `touchstone list --json` in another process, and whether it imported torch."""
    program = (
        "import json, sys\n"
        "from benchmark.listing import entries\n"
        "print(json.dumps([[m for m in ('torch', 'captum') if m in sys.modules], entries()]))\n"
        "sys.exit(0)\n"
    )
    paths = [str(project), *([str(path)] if path else []), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment, cwd=project
    )


def test_listing_imports_no_torch() -> None:
    answer = listed()
    assert answer.returncode == 0, answer.stderr
    imported, found = json.loads(answer.stdout)
    assert imported == []
    assert {"method", "task", "metric", "subject", "claim"} == {entry["kind"] for entry in found}
    for entry in found:
        assert {"name", "kind", "family", "summary", "cites", "defaults"} <= entry.keys()
    references = {entry["name"] for entry in found if entry.get("reference")}
    assert {"random", "oracle"} <= references


def install(folder: Path, name: str, modules: dict[str, str], entries: str) -> None:
    """Lay out an installed package as pip does: its modules, and its metadata with entry points."""
    for module, text in modules.items():
        path = folder / name / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    information = folder / f"{name}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(entries)


def test_entry_points_add_plugins_and_broken_ones_become_problems(tmp_path: Path) -> None:
    modules = {"__init__.py": "", "first.py": GOOD, "broken.py": "def (", "other.py": GOOD}
    modules |= {"bad/__init__.py": "raise SystemExit(3)", "bad/inner.py": GOOD}
    entries = (
        "[touchstone.methods]\nfirst = extra.first:good\nabsent = extra.absent:good\nbroken = extra.broken:good\n"
        "misnamed = extra.other:worse\nexits = extra.bad.inner:good\nnonsense = .:x\n"
    )
    install(tmp_path, "extra", modules, entries)
    answer = listed(path=tmp_path)
    assert answer.returncode == 0, answer.stderr
    found = {entry["name"]: entry for entry in json.loads(answer.stdout)[1] if entry.get("origin") == "extra"}
    assert found["first"]["family"] == "attribution"
    assert found["first"]["defaults"] == {"samples": 32, "noise": 0.15}
    assert "problem" not in found["first"]
    assert "names a module that does not exist: extra.absent" in found["absent"]["problem"]
    assert "SyntaxError" in found["broken"]["problem"]
    assert "declares no method" in found["misnamed"]["problem"]
    assert "SystemExit: 3" in found["exits"]["problem"]
    assert found["nonsense"]["problem"]


def test_two_plugins_of_one_name_are_an_error_that_names_both_files(tmp_path: Path) -> None:
    install(
        tmp_path,
        "extra",
        {"__init__.py": "", "gradient.py": GOOD},
        "[touchstone.methods]\ngradient = extra.gradient:good\n",
    )
    answer = listed(path=tmp_path)
    assert answer.returncode != 0
    message = answer.stderr.splitlines()[-1]
    assert "two methods are called 'attribution/gradient'" in message
    assert "methods/attribution/gradient.py" in message
    assert "extra/gradient.py" in message


def test_files_in_wrong_places_are_problems(tmp_path: Path) -> None:
    for folder in ("benchmark", "methods", "tasks"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for folder, family in (("probing", "probing"), ("atribution", "atribution")):
        (tmp_path / "methods" / folder).mkdir(exist_ok=True)
        written(tmp_path / "methods" / folder, GOOD.replace("attribution_", f"{family}_"), "stray.py")
    written(tmp_path / "methods" / "attribution", GOOD.replace("attribution_", "probing_"), "lost.py")
    written(tmp_path / "methods" / "attribution", "import torch\n", "_helper.py")
    answer = listed(project=tmp_path)
    assert answer.returncode == 0, answer.stderr
    imported, found = json.loads(answer.stdout)
    assert imported == []
    problems = {f"{entry['family']}/{entry['name']}": entry["problem"] for entry in found if "problem" in entry}
    assert "lies in the folder of attribution but is declared for probing" in problems["attribution/lost"]
    assert "no family 'atribution'" in problems["atribution/stray"]
    assert not any("_helper" in key for key in problems)
