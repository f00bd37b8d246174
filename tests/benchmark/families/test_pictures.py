"""Pictures of any family: listing them draws nothing, and each names the cases that it is drawn from."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from benchmark.families import panels
from benchmark.families.family import DATA, Case, Picture
from benchmark.registry import plugins
from benchmark.scores import by_name
from benchmark.stages.instances import family_of
from benchmark.subjects import generator_for

FAMILIES = ("attribution", "description", "dictionary", "probing")


def listed(family: str) -> list[Picture]:
    """The pictures of the trivial problem in two variants, explained by the references and by what acts as a method."""
    question, truth = family_of(family).trivial(0)
    made: dict[str, Any] = {
        plugin.name: by_name(plugin.load(), question=question, truth=truth, generator=generator_for(0, plugin.name))
        for plugin in plugins().of("reference", family)
    }
    made["a_method"] = made["random"]
    scores = {"quality": 0.5, "l0": 2.0, "explained_variance": 0.5}
    return list(
        family_of(family).pictures(
            [
                Case("task", variant, 0, name, question, truth, explanation, scores)
                for variant in ("first", "second")
                for name, explanation in made.items()
            ]
        )
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_listing_draws_nothing(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_settings: Any) -> None:
        raise AssertionError("drawn")

    monkeypatch.setattr(
        importlib.import_module(f"benchmark.families.{family}.pictures"), "Figure", refuse, raising=False
    )
    monkeypatch.setattr(panels, "Figure", refuse)
    found = listed(family)
    assert found
    for picture in found:
        with pytest.raises(AssertionError, match="drawn"):
            picture.draw()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_picture_can_be_drawn_more_than_once(family: str) -> None:
    for picture in listed(family):
        assert picture.draw() is not picture.draw()


def test_a_picture_of_one_method_shows_it_alone() -> None:
    overview, *others = listed("attribution")
    assert overview.shows == (), "all of them"
    for picture in others:
        assert [(case.method, case.variant) for case in picture.shows] == [
            (picture.name, "first"),
            (picture.name, "second"),
        ]


@pytest.mark.parametrize("family", ["circuit", *(name for name in FAMILIES if name != "attribution")])
def test_one_picture_a_task_shows_the_data_and_no_method(family: str) -> None:
    first, *others = listed(family)
    assert first.name == DATA
    assert DATA not in {picture.name for picture in others}
    assert len({case.variant for case in first.shows}) == len(first.shows), "one explanation a variant, for its truth"
    assert first.draw().axes


@pytest.mark.parametrize("family", ["description", "probing"])
def test_a_picture_of_one_variant_shows_no_other(family: str) -> None:
    for picture in listed(family)[1:]:
        assert "random" not in {case.method for case in picture.shows}
        (variant,) = {case.variant for case in picture.shows}
        assert variant in picture.name
