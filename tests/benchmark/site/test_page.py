"""The page shows what the tables hold, is one safe file, and reads without JavaScript."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from benchmark.errors import TouchstoneError
from benchmark.site import About, Board, PagePicture, html, markdown, render, text
from benchmark.site.board import COLUMNS, DOWNLOADS
from benchmark.site.view import View
from tests.support.fake_board import FAMILIES, HOSTILE, NAN, REFERENCES, TWINNED, fake_board, picture

VOID = {"meta", "link", "img", "br", "input"}
SVG_SHAPES = {"line", "circle"}


class Reader(HTMLParser):
    """Collects every tag and attribute, and checks that what is opened is closed."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    return fake_board(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def page(board: Board) -> str:
    return html(board)


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


@pytest.fixture(scope="module")
def readme(board: Board) -> str:
    return markdown(board)


def tables(document: str) -> list[list[dict[str, str]]]:
    """The tables of a Markdown text, as rows of heading and cell; the signs of Markdown removed."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", document, re.MULTILINE):
        lines = [
            [re.sub(r"\\(.)", r"\1", cell).strip().strip("`*") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in block.splitlines()
        ]
        head, body = lines[0], lines[2:]
        assert all(len(line) == len(head) for line in lines), f"ragged table under {head}"
        found.append([dict(zip(head, line, strict=True)) for line in body])
    return found


def number(shown: str) -> float:
    """The number a cell shows."""
    if shown == "–":
        return NAN
    units = {"k": 1e3, "M": 1e6, "G": 1e9}
    found = re.match(r"-?[\d,.]+(?:e-?\d+)?", shown)
    assert found, shown
    return float(found.group().replace(",", "")) * units.get(shown[found.end() : found.end() + 1], 1.0)


def same(shown: str, value: float | None, *, step: float = 0.0, share: float = 0.0) -> bool:
    """Whether a cell shows this value, up to half of its last decimal (`step`) or a share of the value."""
    if text.is_missing(value):
        return shown == "–"
    assert value is not None
    return math.isclose(number(shown), value, rel_tol=share, abs_tol=0.5001 * step)


def test_budgets_are_shown_and_what_is_still_rising_is_marked(board: Board, readme: str) -> None:
    shown = next(table for table in tables(readme) if table and "Learned method" in table[0])
    assert [row["Budget"] for row in shown] == ["1×", "4×"] * 2
    assert [row["Skill"] for row in shown] == [f"{skill:.2f}" for skill in board.budgets.skill]
    assert [row["Still rising"] for row in shown] == ["–", "yes", "–", "no"]
    marked = [row["Method"] for table in tables(readme) for row in table if "still rising" in row.get("Method", "")]
    assert marked == ["topk` (still rising)"]


def test_dials_say_where_a_method_breaks_down(readme: str, page: str) -> None:
    shown = next(table for table in tables(readme) if table and "Dial" in table[0])
    assert [row["Breaks down at"].strip("`") for row in shown] == ["top", "holds"]
    assert "holds to top" in page


def test_every_number_of_a_ranking_in_markdown_is_the_tables_number(board: Board, readme: str) -> None:
    shown = [table for table in tables(readme) if table and "Rank" in table[0]]
    alone = {family for family, what in FAMILIES.items() if len(what["tasks"]) == 1}
    expected: list[pd.DataFrame] = []
    for family, what in FAMILIES.items():
        expected.append(board.leaderboard[board.leaderboard.family == family])
        if family not in alone:
            expected += [
                board.tasks[(board.tasks.family == family) & (board.tasks.task == task)] for task in what["tasks"]
            ]
    assert len(shown) == len(expected)
    for table, frame in zip(shown, expected, strict=True):
        assert len(table) == len(frame)
        for row in table:
            name = row["Method"].split("`")[0].split(" (")[0]
            true = frame[frame.method == name].iloc[0]
            assert same(row["Skill"], true.skill, step=0.01)
            assert row["95 % interval"] == text.interval(true.ci_low, true.ci_high)
            if not math.isnan(true.ci_low):
                low, high = row["95 % interval"].strip("[]").split(", ")
                assert same(low, true.ci_low, step=0.01)
                assert same(high, true.ci_high, step=0.01)
            assert row["Other questions"] == text.interval(true.wide_low, true.wide_high)
            assert row["Rank"] == text.span(true.rank_low, true.rank_high)
            assert row["p"] == "< 0.001" if true.p_value < 0.001 else same(row["p"], true.p_value, step=0.001)
            assert row["Beats blind"] == {True: "yes", False: "no, but chance", None: "–"}[true.beats_blind]
            assert ("Above untrained" in row) == (true.family in TWINNED)
            if true.family in TWINNED:
                gain = text.interval(true.above_untrained_low, true.above_untrained_high)
                value, _, shown_interval = row["Above untrained"].partition(" ")
                assert shown_interval == gain
                assert value.endswith("**") == bool(true.beats_untrained)
                assert same(value.strip("*"), true.above_untrained, step=0.01)
            assert same(row["Failures"], true.failures)
            assert same(row["Seeds"], true.seeds)
            for head, column in (("Seconds", "seconds"), ("Model calls", "model_calls"), ("Peak MB", "peak_memory_mb")):
                assert same(row[head], true[column], step=0.001, share=0.005), (row[head], true[column])
            if "Tasks" in row:
                assert row["Tasks"] == f"{true.tasks} of {len(FAMILIES[true.family]['tasks'])}"
                assert same(row["Declined"], true.unsupported)


def test_every_mean_and_spread_in_markdown_is_the_tables_number(board: Board, readme: str) -> None:
    shown = [table for table in tables(readme) if table and table[0].get("Method", "").startswith("ceiling")]
    groups = list(board.metrics.groupby(["family", "task", "variant"], sort=False))
    assert len(shown) == len(groups)
    for table, (_, frame) in zip(shown, groups, strict=True):
        assert len(table) == 3 + frame.method.nunique()
        for row in table:
            name = row.pop("Method").split("`")[0]
            for metric, cell in row.items():
                mine = frame[frame.metric == metric.strip("*")]
                assert len(mine)
                if name.startswith(("ceiling", "blind", "floor")):
                    assert same(cell, mine.iloc[0][name.split(":")[0]], step=0.001, share=0.005)
                    continue
                true = mine[mine.method == name].iloc[0]
                mean, _, rest = cell.partition(" ± ")
                assert same(mean, true["mean"], step=0.001, share=0.05)
                assert (rest == "") == math.isnan(true.spread)
                if rest:
                    assert same(rest.split(" (")[0], true.spread, step=0.001, share=0.05)
                assert ("(4 of 5 seeds)" in cell) == (true.n == 4)


def test_claims_and_certificates_in_markdown(board: Board, readme: str) -> None:
    claims = next(table for table in tables(readme) if table and "Verdict" in table[0])
    assert [row["Verdict"].split("**")[-1] for row in claims] == [
        "reproduced",
        "not reproduced",
        "undecided",
        "out of regime",
        "not testable here",
    ]
    assert [("a finding of this suite" in row["Claim"]) for row in claims] == [True, False, False, False, False]
    for row in claims:
        true = next(each for each in board.claims.itertuples() if f"`{each.claim}`" in row["Claim"])
        assert same(row["Effect"], true.effect, step=0.01)
        sign = {"above": "> ", "below": "< ", "within": "within ±"}[true.expect]
        assert (
            row["Expected"] == "–"
            if math.isnan(true.margin)
            else same(row["Expected"].removeprefix(sign), true.margin, step=0.01)
        )
        assert row["95 % interval"] == text.interval(true.ci_low, true.ci_high)
    facts = next(table for table in tables(readme) if table and "Measured" in table[0])
    assert [row["Measured"].replace("\\", "") for row in facts] == ["surplus loss", "accuracy <under> attack"]
    assert [float(facts[0][key]) for key in ("Mean", "Least", "Greatest")] == pytest.approx([0.04, 0.02, 0.06])
    checks = next(table for table in tables(readme) if table and "Worst value" in table[0])
    assert len(checks) == 9
    assert checks[0]["Result"].startswith("✗")
    assert (checks[0]["Worst value"], checks[0]["Must be"]) == ("0.410", "≥ 0.950")
    assert checks[0]["Seeds"] == "failed: 3; passed: 0–2, 4"
    assert all(row["Result"].startswith("✓") for row in checks[1:])


def test_the_page_shows_the_same_numbers_as_the_markdown(reader: Reader, readme: str) -> None:
    words = reader.text.replace("−", "-")
    for table in tables(readme):
        for row in table:
            for head in (
                "Skill",
                "95 % interval",
                "Other questions",
                "Effect",
                "Seconds",
                "Model calls",
                "Peak MB",
                "Worst value",
            ):
                if head in row:
                    assert row[head] in words


def test_the_html_is_well_formed_and_complete_without_a_script(board: Board, reader: Reader) -> None:
    assert reader.open == []
    kinds = Counter(tag for tag, _ in reader.tags)
    assert kinds["caption"] == kinds["table"] > 10
    assert all(attrs.get("scope") in ("col", "row", "rowgroup") for tag, attrs in reader.tags if tag == "th")
    assert all(attrs["alt"] for tag, attrs in reader.tags if tag == "img")
    assert kinds["h1"] == 1
    for what in FAMILIES.values():
        for name in what["methods"] + REFERENCES:
            assert name in reader.words
    assert next(attrs for _, attrs in reader.tags if attrs.get("id") == "tools").keys() >= {"hidden"}
    identifiers = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    local = [attrs["href"] or "" for tag, attrs in reader.tags if tag == "a" and (attrs["href"] or "").startswith("#")]
    assert {href[1:] for href in local} <= set(identifiers)
    for name in DOWNLOADS:
        assert ("a", {"href": name}) in reader.tags


def test_nothing_outside_the_file_is_loaded(reader: Reader, page: str) -> None:
    for tag, attrs in reader.tags:
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
        for name in ("src", "srcset", "href", "data", "action", "poster", "xlink:href"):
            address = attrs.get(name)
            if address is None:
                continue
            if tag == "a":
                assert re.match(r"https?://|#|[a-z_.]+$", address), address
            else:
                assert address.startswith("data:image/"), address
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policy = next(attrs for _, attrs in reader.tags if attrs.get("http-equiv") == "Content-Security-Policy")["content"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "script-src 'sha256-" in policy


def test_text_of_plugins_cannot_become_markup(page: str, readme: str, reader: Reader) -> None:
    assert "<script>alert" not in page
    assert " ".join(HOSTILE.split()) in reader.text
    assert sum(tag == "script" for tag, _ in reader.tags) == 1
    assert "<em>true" not in page
    assert "<b>here" not in page
    assert not re.search(r"(?<!\\)<(script|em|b)>", readme)
    assert r"\| pipes, \`ticks\` and \*stars\* in two lines" in readme


@pytest.mark.parametrize(
    "hostile", ["javascript:alert(1)", "data:text/html,x", '"><script>x</script>', "https://a.b/\"onclick='x'"]
)
def test_a_citation_only_ever_links_to_the_web(board: Board, hostile: str) -> None:
    plugins = dict(board.plugins) | {("method", "attribution", "deep_lift"): About("x", hostile)}
    reader = Reader(html(dataclasses.replace(board, plugins=plugins)))
    assert sum(tag == "script" for tag, _ in reader.tags) == 1
    for tag, attrs in reader.tags:
        assert "onclick" not in attrs
        if tag == "a":
            assert not (attrs["href"] or "").startswith(("javascript", "data"))


def test_citations_are_links(reader: Reader, readme: str) -> None:
    addresses = {attrs["href"] for tag, attrs in reader.tags if tag == "a"}
    assert {
        "https://arxiv.org/abs/1706.03825",
        "https://doi.org/10.1000/xyz(1)",
        "https://doi.org/10.1000/182",
    } <= addresses
    assert "https://example.org/paper?a=1&b=2" in addresses
    assert "[doi:10.1000/xyz(1)](https://doi.org/10.1000/xyz%281%29)" in readme


def test_what_one_seed_cannot_tell_of_random_weights_is_not_counted(board: Board) -> None:
    unknown = {"beats_untrained": None, "above_untrained_low": NAN, "above_untrained_high": NAN}
    alone = dataclasses.replace(board, leaderboard=board.leaderboard.assign(**unknown))
    glance = {
        row["Family"]: row["Beat untrained"] for row in next(t for t in tables(markdown(alone)) if "Family" in t[0])
    }
    assert set(glance.values()) == {"–"}
    assert "so few seeds cannot tell how many earn more" in markdown(alone)
    assert "so few seeds cannot tell how many earn more" in html(alone)


def test_where_no_run_can_tell_nobody_is_said_to_fail_against_blind(board: Board) -> None:
    untold = dataclasses.replace(board, leaderboard=board.leaderboard.assign(beats_blind=None))
    shown = next(table for table in tables(markdown(untold)) if table and "Family" in table[0])
    assert {row["Beat blind"] for row in shown} == {"–"}
    assert "beat what can be had without the model" not in markdown(untold)
    assert "beat what can be had without the model" in markdown(board)
    assert Reader(html(untold)).open == []
    for family in View(board).families:
        expected = sum(row["beats_untrained"] is True for row in family.ranking.ranked)
        assert family.beating_untrained == (expected if family.name in TWINNED else None)


def test_names_in_sentences_are_code(page: str, readme: str) -> None:
    assert "<code>full_size</code> trains on all." in page
    assert "`full_size` trains on all." in readme


def test_missing_values_are_dashes(reader: Reader, readme: str) -> None:
    for document in (reader.text, readme):
        assert not re.search(r"\b(nan|NaN|None|NaT)\b", document)
        assert "–" in document


def test_the_page_is_small_apart_from_its_pictures(board: Board, page: str) -> None:
    pictures = sum(len(image.uri) for image in View(board).images)
    assert len(page.encode()) - pictures < 200_000


def test_failures_and_failed_certificates_come_first(board: Board) -> None:
    view = View(board)
    assert view.checks[0].failed == [3]
    assert (view.checks[0].value, view.checks[0].passed) == (0.41, [0, 1, 2, 4])
    assert [failure.declined for failure in view.failures] == [False, False, True]
    assert view.failures[0].seeds == [0, 1, 2]
    assert view.failed == 4


def test_specialists_and_references_stand_apart(board: Board) -> None:
    family = View(board).families[0]
    assert [kind for kind, _, _ in family.ranking.groups] == ["ranked", "specialists", "references"]
    assert {row["method"] for row in family.ranking.references} == set(REFERENCES)
    assert [row["method"] for row in family.ranking.specialists] == ["input_magnitude"]
    table = board.leaderboard[board.leaderboard.family == family.name]
    assert [row["method"] for row in family.ranking.ranked] == list(table.method[:11])


def test_a_method_that_declines_everything_is_said_to(board: Board) -> None:
    table = board.leaderboard.copy()
    table.loc[table.method == "occlusion", ["skill", "ci_low", "ci_high"]] = NAN
    table["rank_low"] = table["rank_low"].astype("Int64")
    changed = dataclasses.replace(board, leaderboard=table)
    assert [row["method"] for row in View(changed).families[0].ranking.declined] == ["occlusion"]
    assert "Declined: these methods say that they do not apply here" in Reader(html(changed)).text
    assert "`occlusion` (declined)" in markdown(changed)


def test_render_writes_the_page_and_copies_its_pictures(board: Board, tmp_path: Path) -> None:
    stale = tmp_path / "pictures" / "stale.png"
    stale.parent.mkdir()
    stale.write_bytes(b"old")
    (tmp_path / "leaderboard.csv").write_text("kept")
    written = render(board, tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        *("index.html", "README.md"),
        "pictures/attribution-blockmnist-examples.png",
        "pictures/attribution-blockmnist-scores.png",
        "pictures/dictionary-overview.png",
    }
    assert not stale.exists()
    assert (tmp_path / "leaderboard.csv").read_text() == "kept"
    for file in re.findall(r"\]\((pictures/[^)]+)\)", (tmp_path / "README.md").read_text(encoding="utf-8")):
        assert (tmp_path / file).exists()
    before = (tmp_path / "index.html").read_bytes()
    assert render(board, tmp_path) == written
    assert (tmp_path / "index.html").read_bytes() == before


def test_an_empty_board_is_a_page(tmp_path: Path) -> None:
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in COLUMNS.items()}
    board = Board(profile="smoke", title="Nothing", provenance={}, **empty)
    reader = Reader(html(board))
    assert reader.open == []
    assert "Every method answered every task." in reader.text
    assert markdown(board).startswith("# Touchstone leaderboard: smoke\n")


def test_a_table_without_a_column_is_named(board: Board) -> None:
    with pytest.raises(TouchstoneError, match=r"`claims` lacks verdict \(got claim, .*; expected claim, "):
        dataclasses.replace(board, claims=board.claims.drop(columns="verdict"))


def test_pictures_must_be_png_and_named_apart(board: Board, tmp_path: Path) -> None:
    (tmp_path / "not.png").write_bytes(b"GIF89a")
    wrong = PagePicture("attribution", "blockmnist", "a", "A", "", tmp_path / "not.png")
    with pytest.raises(TouchstoneError, match="no PNG"):
        html(dataclasses.replace(board, pictures=[wrong]))
    right = dataclasses.replace(wrong, path=picture(tmp_path / "right.png"))
    with pytest.raises(TouchstoneError, match="two pictures"):
        html(dataclasses.replace(board, pictures=[right, right]))
