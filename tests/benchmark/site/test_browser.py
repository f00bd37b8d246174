"""The site in a real browser: sorting, filtering, comparing, deep links, the keyboard, and not one request that leaves
the folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmark.site import render
from tests.support.fake_board import fake_board

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.base", reason="axe-playwright-python is not installed")

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no browser at {CHROMIUM}")

SUITE = {
    "attribution": {
        "tasks": ["blockmnist"],
        "methods": ["integrated_gradients", "deep_lift", "smoothgrad", "input_x_gradient", "gradient", "occlusion"],
        "metrics": ["rank_accuracy", "truth_mass"],
    },
    "dictionary": {
        "tasks": ["superposition", "othello_board"],
        "methods": ["supervised", "topk", "p_anneal", "relu_l1"],
        "metrics": ["mcc", "l0"],
    },
}
RANKING = "#ranking-family-attribution"
PAGES = (
    "index.html",
    "claims.html",
    "certificates.html",
    "tasks/attribution-blockmnist.html",
    "methods/dictionary-topk.html",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("board")
    render(fake_board(folder, SUITE), folder / "site")
    return folder / "site"


class Watched:
    """A page that remembers what it asked for and what it complained about."""

    def __init__(self, browser: playwright.Browser, site: Path, **options: object) -> None:
        self.page = browser.new_page(**options)
        self.site = site
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()

    def open(self, address: str) -> playwright.Page:
        # A fragment alone would not load the page anew.
        self.page.goto("about:blank")
        self.page.goto(self.site.as_uri() + "/" + address)
        return self.page

    def check(self) -> None:
        """Nothing was asked for outside the folder, and nothing went wrong."""
        outside = [url for url in self.requests if not url.startswith((self.site.as_uri() + "/", "data:", "about:"))]
        assert outside == []
        assert self.complaints == []


def names(page: playwright.Page, table: str = RANKING, body: str = "ranked") -> list[str]:
    shown = page.locator(f"{table} tbody.{body} tr:not(.fixed):visible th > :is(a, b)")
    return [str(name) for name in shown.all_text_contents()]


def test_the_index_sorts_filters_and_keeps_it_in_its_address(browser: playwright.Browser, site: Path) -> None:
    with Watched(browser, site) as watched:
        page = watched.open("index.html")
        by_skill = names(page)
        head = page.locator(f"{RANKING} thead th", has_text="Method")
        assert head.get_attribute("aria-sort") == "none"
        head.locator("[role=button]").click()
        assert head.get_attribute("aria-sort") == "ascending"
        assert names(page) == sorted(by_skill)
        head.locator("[role=button]").press("Enter")
        assert names(page) == sorted(by_skill, reverse=True)
        page.locator(f"{RANKING} thead th", has_text="Skill").locator("[role=button]").click()
        assert head.get_attribute("aria-sort") == "none"
        assert names(page) == by_skill
        page.locator(f"{RANKING} thead th", has_text="Seconds").locator("[role=button]").click()
        cells = page.locator(f"{RANKING} tbody.ranked tr td:nth-child(7)").all()
        values = [float((cell.text_content() or "nan").replace(",", "")) for cell in cells]
        assert values == sorted(values)
        assert len(names(page, body="references")) == 3

        page.fill("#filter", "GRADIENT")
        assert set(names(page)) == {name for name in by_skill if "gradient" in name}
        assert names(page, body="references") == []
        matrix = page.locator("#matrix-family-attribution tbody tr:visible").count()
        assert matrix == len(names(page)) + len(names(page, body="specialists"))
        assert "methods" in (page.locator("#found").text_content() or "")
        assert page.locator(f"{RANKING} th.more").count() == 0
        page.click("#columns")
        assert page.locator(f"{RANKING} th.more").first.is_visible()
        assert page.locator("noscript").count() == 0
        page.locator(f"{RANKING} thead th", has_text="Peak MB").locator("[role=button]").click()
        assert "sort=ranking-family-attribution/13/up" in page.url
        page.click("#columns")
        assert not page.locator(f"{RANKING} th.more").first.is_visible()
        watched.open("index.html#" + page.url.partition("#")[2])
        assert page.locator(f"{RANKING} thead th", has_text="Peak MB").get_attribute("aria-sort") == "ascending"
        page.click("#columns")
        page.locator(f"{RANKING} thead th", has_text="Seconds").locator("[role=button]").click()
        toggle = page.locator("[data-toggle=family-dictionary]")
        toggle.click()
        assert toggle.get_attribute("aria-pressed") == "false"
        assert not page.locator("#family-dictionary").is_visible()

        address, shown = page.url, names(page)
        assert "q=GRADIENT" in address
        watched.open("index.html#" + address.partition("#")[2])
        assert names(page) == shown
        assert page.locator(f"{RANKING} thead th", has_text="Seconds").get_attribute("aria-sort") == "ascending"
        assert page.locator(f"{RANKING} th.more").first.is_visible()
        assert not page.locator("#family-dictionary").is_visible()
        page.fill("#filter", "")
        assert len(names(page)) == len(by_skill)
        watched.check()


def test_two_methods_stand_side_by_side(browser: playwright.Browser, site: Path) -> None:
    with Watched(browser, site) as watched:
        page = watched.open("methods/dictionary-topk.html")
        page.get_by_role("link", name="Compare it with supervised").click()
        page.wait_for_selector("#compared table")
        assert "#compare=dictionary/topk/supervised" in page.url

        def line(label: str) -> list[str]:
            row = page.locator("#compared tbody tr").filter(has=page.locator("th", has_text=label)).first
            return [str(text) for text in row.locator("td").all_text_contents()]

        topk, supervised = (
            page.locator("#ranking-family-dictionary tr", has=page.locator(f"th > a:text-is('{name}')")).locator("td.n")
            for name in ("topk", "supervised")
        )
        skills = [cells.nth(1).text_content() for cells in (topk, supervised)]
        assert line("Skill")[:2] == skills
        ours, theirs = (float(str(text).split()[0].replace("−", "-")) for text in skills)
        assert float(line("Skill")[2].replace("−", "-")) == pytest.approx(ours - theirs, abs=0.011)
        assert len(line("superposition")[2]) > 1
        assert page.locator("#compared a[href='tasks/dictionary-superposition.html#m-dictionary-topk']").count() == 1
        assert "rank intervals" in (page.locator("#compared caption").text_content() or "")
        # The second follows the first into its family.
        page.select_option("#compare-a", "attribution/gradient")
        assert page.input_value("#compare-b").startswith("attribution/")
        assert "#compare=attribution/gradient/" in page.url
        page.click("#versus")
        assert not page.locator("#compare").is_visible()
        assert "compare" not in page.url
        watched.check()


def test_a_cell_leads_to_the_method_on_the_tasks_page_and_arrows_move_between_cells(
    browser: playwright.Browser, site: Path
) -> None:
    with Watched(browser, site) as watched:
        page = watched.open("index.html")
        page.locator("#matrix-family-dictionary").scroll_into_view_if_needed()
        cells = page.locator("#matrix-family-dictionary tbody td a")
        cells.first.focus()
        assert page.locator("#matrix-family-dictionary tbody td a[tabindex='0']").count() == 1
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.getAttribute('href')") == (
            "tasks/dictionary-othello_board.html#m-dictionary-topk"
        )
        page.keyboard.press("Enter")
        page.wait_for_url("**/dictionary-othello_board.html#m-dictionary-topk")
        assert page.locator("tr:target th > a").text_content() == "topk"
        watched.check()


def test_pictures_open_larger(browser: playwright.Browser, site: Path) -> None:
    with Watched(browser, site) as watched:
        page = watched.open("tasks/attribution-blockmnist.html")
        page.locator("figure.grid a[data-large]").first.click()
        dialog = page.locator("dialog")
        assert dialog.is_visible()
        assert "oracle" in (dialog.locator("p").text_content() or "")
        page.keyboard.press("ArrowRight")
        assert "random" in (dialog.locator("p").text_content() or "")
        assert page.evaluate("document.querySelector('dialog img').naturalWidth") == 300
        page.keyboard.press("Escape")
        assert not dialog.is_visible()
        watched.check()


def test_an_address_into_a_fold_opens_it(browser: playwright.Browser, site: Path) -> None:
    with Watched(browser, site) as watched:
        page = watched.open("tasks/attribution-blockmnist.html#values")
        assert page.locator("#values table.metrics").is_visible()
        watched.check()


@pytest.mark.parametrize("name", PAGES)
def test_a_screen_reader_finds_no_fault_and_only_tables_scroll_sideways(
    browser: playwright.Browser, site: Path, name: str
) -> None:
    def faults(**options: object) -> list[str]:
        # Only what is told comes back: what axe passed is many times the page.
        told = (
            "(found) => found.violations.map((each) => each.id + ': ' + each.nodes.map((node) => node.html).join(' '))"
        )
        found = page.evaluate(f"(options) => axe.run(options).then({told})", {"preload": False, **options})
        return [str(each) for each in found]

    with Watched(browser, site) as watched:
        page = watched.open(name)
        page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
        if name == "index.html":
            page.click("#columns")
            page.click("#versus")
        page.evaluate(axe.AXE_SCRIPT)
        assert faults() == []
        page.emulate_media(color_scheme="dark")
        assert faults(runOnly=["color-contrast"]) == []
        for width in (360, 760, 1400):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        watched.check()


def test_without_javascript_everything_stands_in_plain_tables(browser: playwright.Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    assert not page.locator("#tools").is_visible()
    assert page.locator(f"{RANKING} tbody tr:visible").count() >= len(SUITE["attribution"]["methods"])
    shown = [page.locator(f"{table} tbody tr:not(.fixed):visible").count() for table in (RANKING, f"{RANKING}-more")]
    assert shown[0] == shown[1] > 0
    page.locator("#matrix-family-dictionary thead a").first.click()
    page.wait_for_url("**/tasks/dictionary-superposition.html*")
    page.locator("#values > summary").click()
    assert page.locator("#values table.metrics").is_visible()
    context.close()
