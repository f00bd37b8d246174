"""Trees on which the workflow was run, shared by the tests of a session."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.tree import GATED, Tree, write_profile


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, Path, str]:
    """A tree on which the small profile was run once, a snapshot of it, and what the run printed."""
    folder = tmp_path_factory.mktemp("workflow")
    tree = Tree.copied(folder / "tree")
    tree.method("gated", GATED)
    write_profile(tree)
    output = tree.snakemake()
    shutil.copytree(tree.folder, folder / "snapshot")
    return tree, folder / "snapshot", output


@pytest.fixture
def tree(base: tuple[Tree, Path, str]) -> Tree:
    """The tree as it was after that run: same paths, contents and times, so that nothing is left to do."""
    shared, snapshot, _ = base
    shutil.rmtree(shared.folder)
    shutil.copytree(snapshot, shared.folder)
    return shared


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, str]:
    """A tree on which the smoke profile was run."""
    tree = Tree.copied(tmp_path_factory.mktemp("smoke") / "tree")
    return tree, tree.snakemake(profile="smoke")
