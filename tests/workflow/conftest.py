"""Trees on which the workflow was run, shared by the tests of a session."""

from __future__ import annotations

import pytest

from tests.support.snapshot import Snapshot
from tests.support.tree import GATED, Tree, write_profile


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, Snapshot, str]:
    """A tree on which the small profile was run once, a snapshot of it, and what the run printed."""
    tree = Tree.copied(tmp_path_factory.mktemp("workflow") / "tree")
    tree.method("gated", GATED)
    write_profile(tree)
    output = tree.snakemake()
    return tree, Snapshot(tree.folder), output


@pytest.fixture
def tree(base: tuple[Tree, Snapshot, str]) -> Tree:
    """The tree as it was after that run: same paths, contents and times, so that nothing is left to do."""
    shared, snapshot, _ = base
    snapshot.restore()
    return shared


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, str]:
    """A tree on which the smoke profile was run."""
    tree = Tree.copied(tmp_path_factory.mktemp("smoke") / "tree")
    return tree, tree.snakemake(profile="smoke")
