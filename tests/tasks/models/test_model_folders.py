"""Each model is a folder with its subject beside its parts, and no two modules import each other."""

import ast
from itertools import combinations

import pytest

from benchmark.registry import PROJECT, plugins
from benchmark.sources import closure

MODELS = PROJECT / "tasks" / "models"
FOLDERS = sorted(path for path in MODELS.iterdir() if (path / "__init__.py").is_file())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_models_package_is_a_docstring_and_imports_nothing(folder):
    tree = ast.parse((folder / "__init__.py").read_text())
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1


def test_every_folder_but_the_shared_one_is_a_subject_of_its_name():
    subjects = {plugin.name: plugin.path for plugin in plugins().of("subject") if plugin.origin == "touchstone"}
    assert subjects == {folder.name: folder / "subject.py" for folder in FOLDERS if folder.name != "shared"}


def test_what_models_share_knows_no_model():
    shared = closure(*(MODELS / "shared").glob("*.py"))
    assert {path.parent.name for path in shared if path.is_relative_to(MODELS)} == {"shared"}


def test_no_two_modules_of_the_tasks_import_each_other():
    reached = {path: set(closure(path)) for path in sorted((PROJECT / "tasks").rglob("*.py"))}
    assert [(a, b) for a, b in combinations(reached, 2) if b in reached[a] and a in reached[b]] == []
