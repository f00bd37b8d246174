"""What a plugin is made of: its file and what that imports, and one fingerprint of their contents."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmark.registry import ENGINE, PROJECT, plugins
from benchmark.sources import closure, fingerprint, libraries


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


def test_a_method_is_made_of_its_file_its_helpers_and_its_family() -> None:
    found = closure(PROJECT / "methods" / "attribution" / "gradient.py")
    assert PROJECT / "methods" / "attribution" / "_captum.py" in found
    assert ENGINE / "families" / "attribution" / "__init__.py" in found
    assert PROJECT / "methods" / "attribution" / "smoothgrad.py" not in found
    assert not [path for path in found if path.parent.name == "stages"]


@pytest.mark.parametrize("kind", ["method", "task", "subject", "metric"])
def test_no_plugin_depends_on_the_stages_the_plan_or_the_command_line(kind: str) -> None:
    forbidden = {ENGINE / "cli.py", ENGINE / "plan.py", ENGINE / "registry.py", *(ENGINE / "stages").glob("*.py")}
    for plugin in plugins().of(kind):
        assert not forbidden & set(closure(plugin.path)), plugin.key


def test_no_method_depends_on_another_method_or_on_a_task() -> None:
    paths = {plugin.path for kind in ("method", "task", "subject") for plugin in plugins().of(kind)}
    for plugin in plugins().of("method"):
        assert not (paths - {plugin.path}) & set(closure(plugin.path)), plugin.key


@pytest.mark.parametrize(
    "text",
    ["def (", "\x00", "(" * 5000, "from " + "." * 200 + " import x", "from " + "." * 200 + "y import x", "import a.b"],
)
def test_files_that_cannot_be_understood_count_as_they_are(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.py"
    path.write_text(text)
    assert closure(path) == [path.resolve()]
    assert len(fingerprint([path])) == 16


def test_the_fingerprint_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    paths = []
    for number in range(5):
        path = tmp_path / f"{number}.py"
        path.write_text(f"x = {number}")
        paths.append(path)
    before = fingerprint(paths)
    shuffled = [*paths, *paths]
    random.Random(0).shuffle(shuffled)
    assert fingerprint(shuffled) == before
    assert fingerprint(paths[:4]) != before
    paths[2].write_text("x = 20")
    changed = fingerprint(paths)
    assert changed != before
    paths[2].write_text("x = 2")
    assert fingerprint(paths) == before
    paths[2].rename(tmp_path / "other.py")
    assert fingerprint([*paths[:2], tmp_path / "other.py", *paths[3:]]) != before


def test_the_fingerprint_does_not_depend_on_where_a_file_lies(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "method.py").write_text("x = 1")
    assert fingerprint([tmp_path / "here" / "method.py"]) == fingerprint([tmp_path / "there" / "method.py"])


def test_absent_files_are_left_out_of_the_closure(tmp_path: Path) -> None:
    assert closure(tmp_path / "absent.py", tmp_path) == []
