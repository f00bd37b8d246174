"""What a result is made by: the definitions that it reaches, and the versions of the libraries that these name."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.registry import ENGINE, plugins
from benchmark.sources import closure, fingerprint, libraries, reach
from tests.support.libraries import pretended
from tests.support.project import forget_sources


def package(folder: Path) -> Path:
    """A package whose module `a` imports b directly, c relatively and d through b; e is imported by none."""
    root = folder / "pack"
    (root / "deep").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "a.py").write_text("import pack.b\nfrom .deep import c\nimport torch, numpy as np\n")
    (root / "b.py").write_text("def late():\n    from pack import d\n    import captum.attr\n")
    (root / "deep" / "__init__.py").write_text("")
    (root / "deep" / "c.py").write_text("from ..a import something\n")
    for name in "de":
        (root / f"{name}.py").write_text("")
    return root


def test_the_closure_follows_imports_also_relative_late_and_circular_ones(tmp_path: Path) -> None:
    root = package(tmp_path)
    found = {path.relative_to(root).as_posix() for path in closure(root / "a.py")}
    assert found == {"a.py", "b.py", "d.py", "__init__.py", "deep/__init__.py", "deep/c.py"}


def test_libraries_are_the_modules_outside_that_are_imported_at_the_top(tmp_path: Path) -> None:
    root = package(tmp_path)
    assert {"torch", "numpy"} <= set(libraries([root / "a.py", root / "b.py"]))
    assert "captum.attr" not in libraries([root / "a.py", root / "b.py"])
    assert "pack.b" not in libraries([root / "a.py"]), "a plugin's own package is not imported before it runs"
    for plugin in plugins().plugins:
        assert not [
            name for name in libraries([plugin.path]) if name.split(".")[0] in ("benchmark", "tasks", "methods")
        ]


@pytest.mark.parametrize("kind", ["method", "task", "subject", "metric"])
def test_no_plugin_depends_on_the_stages_the_plan_or_the_command_line(kind: str) -> None:
    forbidden = {
        ENGINE / "cli.py",
        ENGINE / "plan.py",
        ENGINE / "planning.py",
        ENGINE / "registry.py",
        *(ENGINE / "stages").glob("*.py"),
    }
    for plugin in plugins().of(kind):
        assert not forbidden & set(closure(plugin.path)), plugin.key


BUILT_ON = {
    "attribution/conditional_shap": {"kernel_shap"},
    "attribution/deep_lift_shap": {"deep_lift"},
    "attribution/guided_grad_cam": {"grad_cam", "guided_backprop"},
    "attribution/invariant_wrapper": {"gradient", "integrated_gradients", "lime", "occlusion", "smoothgrad"},
    "attribution/learned_explainer": {"kernel_shap"},
}
"""Methods that are made of others."""


def test_no_method_depends_on_another_method_or_on_a_task() -> None:
    paths = {plugin.path for kind in ("method", "task", "subject") for plugin in plugins().of(kind)}
    for plugin in plugins().of("method"):
        reached = (paths - {plugin.path}) & set(closure(plugin.path))
        assert {path.stem for path in reached} == BUILT_ON.get(plugin.key, set()), plugin.key


def test_no_method_reaches_references_pictures_or_page() -> None:
    for plugin in plugins().of("method"):
        places = [place.partition(":")[0] for place in reach([(plugin.path, plugin.symbol)]).texts]
        assert not [p for p in places if p.endswith(("references.py", "pictures.py", "trivial.py")) or "/page/" in p]


@pytest.mark.parametrize("kind", ["subject", "task", "method", "metric"])
def test_no_number_depends_on_how_an_error_is_worded(kind: str) -> None:
    for plugin in plugins().of(kind):
        places = reach([(plugin.path, plugin.symbol)]).texts
        assert not [place for place in places if place.startswith("benchmark/errors.py")], plugin.key


@pytest.mark.parametrize(
    "text",
    ["def (", "\x00", "(" * 5000, "from " + "." * 200 + " import x", "from " + "." * 200 + "y import x", "import a.b"],
)
def test_files_that_cannot_be_understood_stop_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.py"
    path.write_text(text)
    assert closure(path) == [path.resolve()]
    assert len(fingerprint((path, "f"))) == 16


def test_absent_files_are_left_out_of_the_closure(tmp_path: Path) -> None:
    assert closure(tmp_path / "absent.py", tmp_path) == []


METHOD = '''
"""A method."""
import torch
from helper import shift, unused_here
from benchmark.plugins import method_decorator

SCALE = 2.0
OTHER = 3.0
some_method = method_decorator("some")

@some_method(cites="a test", small={"steps": 2})
def method(question, *, steps: int = 4):
    """What it does."""
    return shift(inner(question)) * SCALE  # why

def inner(question):
    return Tool().used(question)

def bystander():
    return OTHER

class Tool:
    """A tool."""
    size = 3

    def used(self, question):
        return question + self.size

    def spare(self):
        return 0
'''
HELPER = "FAR = 1.0\ndef shift(x):\n    return x + FAR\ndef unused_here(x):\n    return x\n"
EDITS = {
    "a comment": ("method", "# why", "# because", False),
    "a docstring": ("method", "What it does.", "Something else.", False),
    "the module's docstring": ("method", "A method.", "The method.", False),
    "the decorator": ("method", 'cites="a test", small={"steps": 2}', 'cites="another", supervised=True', False),
    "layout": ("method", "return shift(inner(question)) * SCALE", "return (shift(\n  inner(question)) * SCALE)", False),
    "a bystander": ("method", "return OTHER", "return OTHER + 1", False),
    "a bystander's constant": ("method", "OTHER = 3.0", "OTHER = 4.0", False),
    "a method that nothing names": ("method", "return 0", "return 1", False),
    "an unused helper": ("helper", "    return x\n", "    return -x\n", False),
    "its body": ("method", "* SCALE", "+ SCALE", True),
    "a default": ("method", "steps: int = 4", "steps: int = 5", True),
    "a constant": ("method", "SCALE = 2.0", "SCALE = 2.5", True),
    "what it calls": ("method", "Tool().used(question)", "-Tool().used(question)", True),
    "a method that it uses": ("method", "question + self.size", "question - self.size", True),
    "a field": ("method", "size = 3", "size = 4", True),
    "a helper": ("helper", "return x + FAR", "return x - FAR", True),
    "a helper's constant": ("helper", "FAR = 1.0", "FAR = 2.0", True),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_counts_where_it_can_change_what_is_computed(tmp_path: Path, edit: str) -> None:
    which, old, new, counts = EDITS[edit]
    root = tmp_path / "own"
    root.mkdir()
    texts = {"method": METHOD.replace("from helper", "from .helper"), "helper": HELPER}
    (root / "__init__.py").write_text("")
    for name, text in texts.items():
        (root / f"{name}.py").write_text(text)
    before = fingerprint((root / "method.py", "method"))
    assert texts[which].count(old) >= 1
    (root / f"{which}.py").write_text(texts[which].replace(old, new))
    forget_sources()
    assert (fingerprint((root / "method.py", "method")) != before) == counts


def test_the_fingerprint_does_not_depend_on_where_a_file_lies_or_on_the_order(tmp_path: Path) -> None:
    entries = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        for name in ("one", "two"):
            (tmp_path / folder / f"{name}.py").write_text(f"def f():\n    return '{name}'\n")
        entries.append([(tmp_path / folder / f"{name}.py", "f") for name in ("one", "two")])
    assert fingerprint(*entries[0]) == fingerprint(*entries[1]) == fingerprint(*reversed(entries[0]))
    assert fingerprint(entries[0][0]) != fingerprint(*entries[0])


@pytest.mark.parametrize(("library", "counts"), [("torch", True), ("numpy", True), ("scipy", True), ("pandas", False)])
def test_another_version_of_a_library_counts_where_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, counts: bool
) -> None:
    path = tmp_path / "method.py"
    path.write_text(
        "import pandas\nfrom scipy.linalg import solve\ndef f(x):\n    return solve(x)\n"
        "def other(x):\n    return pandas.Series(x)\n"
    )
    forget_sources()
    before = fingerprint((path, "f"))
    monkeypatch.syspath_prepend(pretended(tmp_path / "libraries", library, "0.0"))
    forget_sources()
    after = fingerprint((path, "f"))
    forget_sources()
    assert (after != before) == counts
