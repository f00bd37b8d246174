"""Fixtures for all tests."""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.project import Project

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
gc.disable()  # until all is imported: a fifth of that time would be spent looking for garbage where there is none


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--freeze", action="store_true", help="write tests/frozen/thresholds.csv anew from the certificates as they are"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first, so that no process is left with one of them when the others have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


def pytest_collection_finish() -> None:
    """What was imported is nobody's garbage: no collection looks through it, and no fork copies it for that."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOUCHSTONE_RUN", "run-0")
    return Project(folder)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Any:
    """What the engine logged, as a function that returns the text so far."""
    logger = logging.getLogger("touchstone")
    logger.propagate = True
    caplog.set_level(logging.INFO, logger="touchstone")
    return lambda: caplog.text
