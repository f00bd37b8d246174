"""The page in a real browser: sorting, filtering, folding, and not one request beyond the file itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.site import render
from tests.support.fake_board import FAMILIES, fake_board

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")

RANKING = "#family-attribution table.ranking"


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("board")
    render(fake_board(folder), folder / "leaderboard")
    return (folder / "leaderboard" / "index.html").as_uri()


def names(page: playwright.Page, body: str = "ranked") -> list[str]:
    shown = page.locator(f"{RANKING} tbody.{body} tr:not(.fixed):visible th b")
    return [str(name) for name in shown.all_text_contents()]


def test_the_page_sorts_filters_and_folds_without_errors_or_requests(browser: playwright.Browser, address: str) -> None:
    page = browser.new_page()
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)

    by_skill = names(page)
    head = page.locator(f"{RANKING} thead th", has_text="Method")
    assert head.get_attribute("aria-sort") == "none"
    head.locator("[role=button]").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert names(page) == sorted(by_skill)
    head.locator("[role=button]").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert names(page) == sorted(by_skill, reverse=True)
    page.locator(f"{RANKING} thead th", has_text="Skill").locator("[role=button]").click()
    assert head.get_attribute("aria-sort") == "none"
    assert names(page) == by_skill
    seconds = page.locator(f"{RANKING} thead th", has_text="Seconds")
    seconds.locator("[role=button]").click()
    cells = page.locator(f"{RANKING} tbody.ranked tr td[data-v]:nth-child(11)")
    values = [float(cell.get_attribute("data-v") or "nan") for cell in cells.all()]
    assert len(values) == len(by_skill)
    assert values == sorted(values)
    assert len(names(page, "references")) == 3

    page.fill("#filter", "GRADIENT")
    assert set(names(page)) == {name for name in by_skill if "gradient" in name}
    assert names(page, "references") == []
    assert "methods" in (page.locator("#found").text_content() or "")
    page.fill("#filter", "")
    assert len(names(page)) == len(by_skill)

    toggle = page.locator("[data-toggle=family-probing]")
    toggle.click()
    assert toggle.get_attribute("aria-pressed") == "false"
    assert not page.locator("#family-probing").is_visible()
    toggle.click()
    assert page.locator("#family-probing").is_visible()

    page.click("#unfold")
    tasks = sum(len(what["tasks"]) for what in FAMILIES.values())
    assert page.locator("details.task[open]").count() == tasks
    page.click("#unfold")
    assert page.locator("details.task[open]").count() == 0
    page.evaluate("location.hash = 'task-dictionary-tiny'")
    page.wait_for_selector("#task-dictionary-tiny[open]")

    loaded = [url for url in requests if not url.startswith("data:") and url.split("#")[0] != address]
    assert loaded == []
    assert complaints == []
    page.close()


@pytest.mark.parametrize("width", [360, 760, 1400])
def test_only_tables_scroll_sideways(browser: playwright.Browser, address: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(address)
    page.click("#unfold")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_without_javascript_everything_stands_in_plain_tables(browser: playwright.Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert not page.locator("#tools").is_visible()
    assert page.locator(f"{RANKING} tbody tr:visible").count() >= len(FAMILIES["attribution"]["methods"])
    page.locator("#task-probing-othello_board > summary").click()
    assert page.locator("#task-probing-othello_board table.metrics").is_visible()
    context.close()
