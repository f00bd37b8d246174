"""Plugins say what their decorators say, in a child process; what cannot be read becomes a plugin with a problem."""

from __future__ import annotations

import inspect
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.errors import TouchstoneError, UnknownNameError
from benchmark.registry import PROJECT, Plugin, Registry, plugins, read, read_file
from tests.support.project import READER

HEAD = '''"""A method: what it does (source)."""
from dataclasses import dataclass, field
from typing import Literal
from benchmark.families.attribution import attribution_method, attribution_task
from benchmark.families.probing import probing_method
from benchmark.plugins import metric, reference, subject
'''
GOOD = (
    HEAD + '@attribution_method(cites="x")\ndef good(question, *, samples: int = 32, noise: float = 0.15):\n    pass\n'
)


def written(folder: Path, text: str | bytes, name: str = "good.py") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read_one(path: Path, kind: str = "method", family: str | None = "attribution") -> Plugin:
    (plugin,) = read(path, kind, family, "somewhere", reader=READER)
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
    files = {path for folder in ("methods", "tasks") for path in (PROJECT / folder).glob("[!_]*/[!_]*.py")}
    assert files <= {plugin.path for plugin in registry.plugins}
    assert {p.family for p in registry.of("method")} <= set(registry.families)
    for family in registry.families:
        assert {"random", "oracle"} <= {p.name for p in registry.of("reference", family)}
        assert registry.of("metric", family)


def test_what_was_read_is_what_is_imported() -> None:
    for plugin in plugins().plugins:
        loaded = plugin.load()
        if plugin.kind == "family":
            assert loaded.name == plugin.name
            continue
        definition = loaded.__touchstone__
        assert (definition.kind, definition.cites) == (plugin.kind, plugin.cites)
        assert definition.options == plugin.options
        if plugin.kind in ("method", "task"):
            assert definition.family == plugin.family
        if plugin.kind in ("task", "subject"):
            assert {name: getattr(loaded(), name) for name in plugin.defaults} == plugin.defaults
        else:
            assert (inspect.unwrap(loaded).__kwdefaults__ or {}) == plugin.defaults


def test_what_is_computed_inherited_and_named_elsewhere_is_known(tmp_path: Path) -> None:
    text = '''
SIZES = (2, 4)
Law = Literal["flat", "steep"]

@dataclass(frozen=True, kw_only=True)
class Base:
    law: "Law" = "flat"
    sizes: tuple[int, ...] = field(default_factory=lambda: tuple(SIZES))

@attribution_task(
    subject="s", primary="p_" + "q", metrics=[f"p_{k}" for k in "qr"],
    variants={f"l0_{k}": {"sparsity": k} for k in SIZES}, provides=("targets",), method_seeds=1 + 1,
)
@dataclass(frozen=True, kw_only=True)
class Good(Base):
    """Inherits."""
    mode: Literal[1, 2] | None = None
    inputs: int = 3 * 2
'''
    plugin = read_one(written(tmp_path, HEAD + text), "task")
    assert not plugin.problem
    assert plugin.options["variants"] == {"l0_2": {"sparsity": 2}, "l0_4": {"sparsity": 4}}
    assert (plugin.options["primary"], plugin.options["metrics"]) == ("p_q", ("p_q", "p_r"))
    assert (plugin.options["provides"], plugin.options["method_seeds"]) == (("targets",), 2)
    assert plugin.defaults == {"law": "flat", "sizes": (2, 4), "mode": None, "inputs": 6}
    assert plugin.choices == {"law": ("flat", "steep"), "mode": (1, 2, None)}


def test_the_choices_of_a_function_are_known(tmp_path: Path) -> None:
    text = GOOD.replace("samples: int = 32", 'samples: Literal[16, 32] = 32, law: "Literal[1] | None" = None')
    assert read_one(written(tmp_path, text)).choices == {"samples": (16, 32), "law": (1, None)}


def test_a_subclass_of_a_plugin_and_one_that_is_only_imported_are_not_declared(tmp_path: Path) -> None:
    plugin = read_one(written(tmp_path, TASK + "class Better(Good):\n    pass\nBest = Good\n"), "task")
    assert (plugin.symbol, plugin.problem) == ("Good", "")
    imported = HEAD + "from methods.attribution.gradient import gradient\n"
    assert "declares no method" in read_one(written(tmp_path, imported)).problem


PROBLEMS = {
    "syntax": (HEAD + "def broken(:\n", "cannot be read: SyntaxError"),
    "bytes": (b"\xff\xfe\x00", "cannot be read"),
    "null": ("x = 1\x00", "cannot be read"),
    "nested": ("(" * 5000 + ")" * 5000, "cannot be read"),
    "deep": ("x = " + "-" * 20000 + "1", "cannot be read"),
    "raises": (HEAD + "raise RuntimeError('no way')", "cannot be read: RuntimeError: no way"),
    "exits": (GOOD + "import sys\nsys.exit(3)", "cannot be read: SystemExit: 3"),
    "unprintable": (GOOD + "class E(Exception):\n    __str__ = None\nraise E", "cannot be read: E"),
    "long-winded": (GOOD + "raise RuntimeError('x' * 10**8)", "cannot be read: RuntimeError: xxx"),
    "surrogate": (GOOD + "raise RuntimeError(chr(0xd800))", "cannot be read: RuntimeError: ?"),
    "empty": ("", "declares no method"),
    "undecorated": (HEAD + "def good(question):\n    pass\n", "declares no method"),
    "uncalled": (
        HEAD + "@attribution_method\ndef good(question):\n    pass\n",
        "attribution_method() takes 0 positional",
    ),
    "two": (
        GOOD + GOOD.replace(HEAD, "").replace("def good", "def better"),
        "declares 2 methods (good, better); expected one a file",
    ),
    "elsewhere": (GOOD.replace("@attribution_", "@probing_"), "lies in the folder of attribution but is declared for"),
    "default": (GOOD.replace("32", "open"), "parameter samples: got a builtin_function_or_method, expected what JSON"),
    "set": (GOOD.replace("32", "{1, 2}"), "parameter samples: got a set"),
    "keys": (GOOD.replace("32", "{1: 2}"), "parameter samples: got a dict with keys that are no texts"),
    "nan": (GOOD.replace("0.15", "float('nan')"), "parameter noise: got NaN"),
    "huge": (GOOD.replace("32", "10**5000"), "parameter samples: got an integer of"),
    "endless": (GOOD.replace("@attr", "a = []\na.append(a)\n@attr").replace("32", "a"), "nested too deeply"),
    "no default": (GOOD.replace(": int = 32", ": int"), "parameter 'samples' has no default"),
    "citation": (GOOD.replace('"x"', "3"), "cites: got 3, expected a text"),
    "unknown option": (GOOD.replace('cites="x"', 'cites="x", name=3'), "unexpected keyword argument 'name'"),
    "requires": (GOOD.replace('cites="x"', 'requires="rgb"'), "requires: got 'rgb', expected a tuple of identifiers"),
    "requires words": (GOOD.replace('cites="x"', 'requires=("a b",)'), "requires: got ['a b']"),
    "flag": (GOOD.replace('cites="x"', 'control="no"'), "control: got 'no', expected True or False"),
    "budget": (
        GOOD.replace('cites="x"', 'budget="sample"'),
        "unknown parameter 'sample' in budget; did you mean 'samples'",
    ),
    "budget of words": (
        GOOD.replace('cites="x"', 'budget="samples"').replace("int = 32", "str = 'many'"),
        "budget: parameter 'samples' is 'many' by default, expected a number above 0",
    ),
    "small": (GOOD.replace('cites="x"', "small=3"), "small: got 3, expected a dictionary"),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, case: str) -> None:
    text, expected = PROBLEMS[case]
    plugin = read_one(written(tmp_path, text))
    assert expected in plugin.problem
    assert plugin.name == "good"
    with pytest.raises(TouchstoneError, match=r"method attribution/good cannot be loaded"):
        plugin.load()


TASK = (
    HEAD
    + """
@attribution_task(subject="s", primary="p", metrics=("p",), variants={"v": {}})
@dataclass
class Good:
    inputs: int = 3
"""
)
ROLES = TASK.replace('subject="s"', 'subjects={"object": {"subject": "scene", "size": 8}}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TASK.replace('primary="p", ', ""), "missing 1 required keyword-only argument: 'primary'"),
        (TASK.replace('subject="s", ', ""), "expected either subject="),
        (TASK.replace('subject="s"', 'subject="s", subjects={"a": {"subject": "s"}}'), "expected either subject="),
        (TASK.replace('subject="s"', "subject=3"), "subject: got '3'"),
        (ROLES.replace('{"subject": "scene", "size": 8}', '"scene"'), "subjects['object']: got 'scene'"),
        (ROLES.replace('"object"', '"../up"'), "subjects: got '../up'"),
        (TASK.replace('primary="p"', 'primary="q"'), "primary metric 'q'"),
        (TASK.replace('{"v": {}}', '["v"]'), "variants"),
        (TASK.replace('{"v": {}}', "{}"), "variants"),
        (TASK.replace('"v"', '"../v"'), "variants: got '../v', expected a small letter"),
        (TASK.replace("(subject", '(unranked="v", subject'), "unranked: got 'v'"),
        (TASK.replace("(subject", "(unranked=[[1]], subject"), "unknown variant '[1]' in unranked"),
        (TASK.replace("(subject", '(twins=("v",), subject'), "twins: got"),
        (TASK.replace("(subject", '(twins={"v": "w"}, subject'), "unknown variant 'w' in twins"),
        (TASK.replace("(subject", '(rivals=("v",), subject'), "rivals: got"),
        (TASK.replace("(subject", '(rivals={"v": "w"}, subject'), "unknown variant 'w' in rivals"),
        (TASK.replace("(subject", '(rivals={"v": "v"}, subject'), "rivals: 'v' stands there twice"),
        (TASK.replace("(subject", '(dials={"size": ("v",)}, subject'), "dials: got"),
        (TASK.replace("(subject", '(dials={"size": ("v", "w")}, subject'), "unknown variant 'w' in dials"),
        (TASK.replace("(subject", "(method_seeds=0, subject"), "method_seeds: got 0"),
        (TASK.replace("(subject", '(ceilings=("p",), subject'), "ceilings: got"),
        (TASK.replace("(subject", '(ceilings={"p": ""}, subject'), "expected a dictionary from metrics to reasons"),
        (TASK.replace("(subject", '(ceilings={"q": "why"}, subject'), "unknown metric 'q' in ceilings"),
        (TASK.replace("@dataclass\n", ""), "a task is a class under `@dataclass"),
    ],
)
def test_a_task_that_declares_too_little_says_what(tmp_path: Path, text: str, expected: str) -> None:
    assert not read_one(written(tmp_path, TASK), "task").problem
    assert not read_one(written(tmp_path, ROLES), "task").problem
    assert expected in read_one(written(tmp_path, text), "task").problem


METRIC = HEAD + '@metric(range=(0, 1e999), direction="higher")\ndef good(explanation):\n    return 1.0\n'


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("(0, 1e999)", "(1, 0)", "range: got [1, 0]"),
        ("(0, 1e999)", "3", "range: got 3"),
        ("higher", "hihger", "unknown direction 'hihger'; did you mean 'higher'"),
        ("direction", 'scope="seed", direction', "unknown scope 'seed'; did you mean 'seeds'"),
        ("direction", 'needs="directions", direction', "needs: got 'directions'"),
        ("direction", "draws=0, direction", "draws: got 0"),
        ("direction", "perfect=-1, direction", "perfect: got -1, expected a number from 0 to inf"),
        ("direction", "perfect=True, direction", "perfect: got True"),
        ("direction", 'name=".9", direction', "name: got '.9'"),
        ("direction", "name=3, direction", "name: got 3, expected a text"),
    ],
)
def test_a_metric_that_declares_nonsense_says_what(tmp_path: Path, old: str, new: str, expected: str) -> None:
    good = METRIC.replace("direction", 'name="recall_at_0.9", scope="seeds", draws=3, direction')
    plugin = read_one(written(tmp_path, good), "metric")
    assert (plugin.name, plugin.problem, plugin.options["scope"]) == ("recall_at_0.9", "", "seeds")
    assert expected in read_one(written(tmp_path, METRIC.replace(old, new)), "metric").problem


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace")))
@example(b"__name__ = 3")
@example(b"def __getattr__(name): raise KeyError")
@example(b"__file__ = __doc__ = __dict__ = 3")
@settings(max_examples=60, deadline=None)
def test_reading_an_arbitrary_file_never_raises(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), content)
        for kind in ("method", "task", "subject", "metric"):
            for plugin in read(path, kind, None, "somewhere", reader=READER):
                assert plugin.problem or plugin.symbol
                assert isinstance(plugin.name, str)


SOURCES = st.sampled_from(["attribution_method", "probing_method", "metric", "other"])
VALUES = st.sampled_from(["1", "'a'", "(1, 2)", "{'a': 1}", "None", "f()", "[x]", "{[]: 1}", "-'a'", "1 + 1j", "1e999"])


@given(SOURCES, st.lists(st.tuples(st.sampled_from("abc"), VALUES), max_size=3, unique_by=lambda p: p[0]), VALUES)
@settings(max_examples=60, deadline=None)
def test_reading_any_declaration_never_raises(decorator: str, defaults: list[tuple[str, str]], cites: str) -> None:
    arguments = "".join(f", {name}={value}" for name, value in defaults)
    star = ", *" if defaults else ""
    text = f"{HEAD}@{decorator}(cites={cites})\ndef f(question{star}{arguments}):\n    pass\n"
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


def test_a_plugin_with_a_problem_is_found_unless_another_of_that_name_is_usable() -> None:
    broken, good = (Plugin("method", "mean", "probing", Path(), "m", problem=problem) for problem in ("no", ""))
    assert Registry((broken,)).find("method", "mean") is broken
    assert Registry((broken, good)).find("method", "mean") is good


def test_a_file_outside_the_project_is_read_and_loaded(tmp_path: Path) -> None:
    plugin = read_file(written(tmp_path, GOOD))
    assert plugin.origin == "file"
    assert plugin.key == "attribution/good"
    assert plugin.load().__kwdefaults__ == {"samples": 32, "noise": 0.15}
    inside = PROJECT / "methods" / "attribution" / "gradient.py"
    assert read_file(inside) is plugins().find("method", "gradient")
    with pytest.raises(TouchstoneError, match="declares no method"):
        read_file(written(tmp_path, "", "empty.py"))


def test_a_file_that_failed_is_tried_again_when_it_is_loaded(tmp_path: Path) -> None:
    text = (
        GOOD
        + f"import pathlib\nif not pathlib.Path({str(tmp_path / 'there')!r}).exists(): raise RuntimeError('wait')\n"
    )
    (plugin,) = remembered = read(written(tmp_path, text), "method", "attribution", "somewhere")
    assert "RuntimeError: wait" in plugin.problem
    with pytest.raises(TouchstoneError, match="RuntimeError: wait"):
        plugin.load()
    (tmp_path / "there").touch()
    assert read(tmp_path / "good.py", "method", "attribution", "somewhere") == remembered, "it has not changed"
    assert plugin.load().__name__ == "good"
    (again,) = read(tmp_path / "good.py", "method", "attribution", "somewhere")
    assert not again.problem
