"""The site shows what the tables hold, is safe whatever plugins say, and reads without JavaScript."""

from __future__ import annotations

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pandas as pd
import pytest

from benchmark.errors import TouchstoneError
from benchmark.site import About, Board, PagePicture, documents, render, style, text
from benchmark.site.board import COLUMNS, DOWNLOADS
from benchmark.site.view import View
from tests.support.fake_board import (
    FAMILIES,
    HOSTILE,
    MARKED,
    NAN,
    REFERENCES,
    TWINNED,
    VARIANTS,
    fake_board,
    markup,
    picture,
)
from tests.support.html import Reader

Site = Mapping[str, Reader]


def read(board: Board) -> dict[str, Reader]:
    """Every page of the board."""
    return {name: Reader(content()) for name, content in documents(View(board)).items() if name.endswith(".html")}


def page_of(board: Board, name: str = "index.html") -> Reader:
    """One page of the board."""
    return Reader(documents(View(board))[name]())


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    return fake_board(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def site(board: Board) -> Site:
    return read(board)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of a family of which every name and every text is markup."""
    return read(fake_board(tmp_path_factory.mktemp("pictures"), MARKED, say=HOSTILE))


def number(shown: str) -> float:
    """The number a cell begins with."""
    if shown.startswith("–"):
        return NAN
    units = {"k": 1e3, "M": 1e6, "G": 1e9}
    found = re.match(r"-?[\d,.]+(?:e-?\d+)?", shown.replace("−", "-"))
    assert found, shown
    return float(found.group().replace(",", "")) * units.get(shown[found.end() : found.end() + 1], 1.0)


def same(shown: str, value: float | None, *, step: float = 0.0, share: float = 0.0) -> bool:
    """Whether a cell shows this value, up to half of its last decimal (`step`) or a share of the value."""
    if text.is_missing(value):
        return shown.startswith("–")
    assert value is not None
    return math.isclose(number(shown), value, rel_tol=share, abs_tol=0.5001 * step)


def brackets(shown: str) -> str:
    """The interval in a cell, as the tables write it."""
    found = re.search(r"\[.*\]", shown.replace("−", "-"))
    return found.group() if found else "–"


def check_ranking(reader: Reader, name: str, frame: pd.DataFrame, *, total: int | None = None) -> None:
    """Every number of a ranking is the table's number."""
    first, others = reader.table(name).lines, reader.table(f"{name}-more").lines
    assert len(first) == len(frame)
    for shown, more, true in zip(first, others, sorted_as_shown(frame), strict=True):
        assert shown["Method"].split()[0] == more["Method"] == true.method
        line = {**more, **shown}
        assert line["Rank"] == text.span(true.rank_low, true.rank_high)
        assert same(line["Skill"], true.skill, step=0.01)
        assert brackets(line["Skill"]) == text.interval(true.ci_low, true.ci_high)
        assert brackets(line["Other questions"]) == text.interval(true.wide_low, true.wide_high)
        assert line["p"] == "< 0.001" if true.p_value < 0.001 else same(line["p"], true.p_value, step=0.001)
        assert line["Beats blind"] == {True: "yes", False: "no, but chance", None: "–"}[true.beats_blind]
        assert ("Above untrained" in line) == (true.family in TWINNED)
        if true.family in TWINNED:
            assert same(line["Above untrained"], true.above_untrained, step=0.01)
            gain = text.interval(true.above_untrained_low, true.above_untrained_high)
            assert brackets(line["Above untrained"]) == gain
        assert same(line["Failures"], true.failures)
        assert same(line["Seeds"], true.seeds)
        for head, column in (("Seconds", "seconds"), ("Model calls", "model_calls"), ("Peak MB", "peak_memory_mb")):
            assert same(line[head], true[column], step=0.001, share=0.005), (line[head], true[column])
        if total is not None:
            declined = f" {true.unsupported} declined" if true.unsupported else ""
            assert line["Tasks"] == f"{true.tasks} of {total}{declined}"


def sorted_as_shown(frame: pd.DataFrame) -> list[pd.Series]:
    """Contestants, then specialists, then references, each in the order of the table."""
    apart = frame.assign(place=2 * frame.reference + (frame.specialist & frame.rank_low.isna()))
    return [row for _, row in apart.sort_values("place", kind="stable").iterrows()]


def test_every_number_of_a_ranking_is_the_tables_number(board: Board, site: Site) -> None:
    for family, what in FAMILIES.items():
        own = board.leaderboard[board.leaderboard.family == family]
        check_ranking(site["index.html"], f"ranking-family-{family}", own, total=len(what["tasks"]))
        for task in what["tasks"]:
            own = board.tasks[(board.tasks.family == family) & (board.tasks.task == task)]
            check_ranking(site[f"tasks/{family}-{task}.html"], "ranking-task", own)


def test_every_cell_of_a_matrix_is_the_tables_number_and_leads_to_its_task(board: Board, site: Site) -> None:
    for family, what in FAMILIES.items():
        alone = len(what["tasks"]) == 1
        frame, column = (board.variants, "variant") if alone else (board.tasks, "task")
        known = frame[(frame.family == family)].set_index(["method", column])
        table = site["index.html"].table(f"matrix-family-{family}")
        assert table.head[1:] == (list(VARIANTS[:-1]) if alone else what["tasks"])
        assert len(table.lines) == len(what["methods"])
        for line, data, styles in zip(table.lines, table.data[1:], table.classes[1:], strict=True):
            for place, name in enumerate(table.head[1:], start=1):
                true = known.loc[line["Method"], name]
                assert same(line[name], true.skill, step=0.01)
                shown = [float(each) for each in data[place].split()]
                expected = [value for value in (true.skill, true.ci_low, true.ci_high) if not math.isnan(value)]
                assert shown == pytest.approx(expected, rel=1e-3)
                assert ("sees" in styles[place]) == bool(true.beats_blind)
                level = int(styles[place].split()[0].removeprefix("h"))
                assert level == round(10 * min(max(true.skill, -0.3), 1.0))


def test_a_methods_page_has_its_skill_and_score_on_every_variant(board: Board, site: Site) -> None:
    method, family, task = "topk", "dictionary", "superposition"
    reader = site[f"methods/{family}-{method}.html"]
    table = next(each for each in reader.tables if each.attributes.get("class") == "ontasks")
    lines = {(line["Task and variant"].split()[0], number): line for number, line in enumerate(table.lines)}
    mine = board.variants[(board.variants.method == method) & (board.variants.task == task)].set_index("variant")
    values = board.metrics[board.metrics.primary & (board.metrics.method == method) & (board.metrics.task == task)]
    values = values.set_index("variant")
    shown = [line for (name, _), line in lines.items() if name in VARIANTS][: len(VARIANTS)]
    assert [line["Task and variant"].split()[0] for line in shown] == list(VARIANTS)
    for line, variant in zip(shown, VARIANTS, strict=True):
        assert same(line["Score"], values.loc[variant, "mean"], step=0.001, share=0.005)
        assert same(line["Truth"], 1.0, step=0.001)
        skill = mine.skill.get(variant)
        assert same(line["Skill"], skill, step=0.01)
    assert " ".join(HOSTILE.split()) in shown[-1]["Task and variant"]


def test_the_metrics_of_a_task(board: Board, site: Site) -> None:
    for family, what in FAMILIES.items():
        for task in what["tasks"]:
            frame = board.metrics[(board.metrics.family == family) & (board.metrics.task == task)]
            table = next(
                each
                for each in site[f"tasks/{family}-{task}.html"].tables
                if "metrics" in str(each.attributes["class"]).split()
            )
            lines, variant = [], ""
            for row in table.rows[1:]:
                if len(row) == 1:
                    variant = row[0].split(",")[0]
                else:
                    lines.append((variant, dict(zip(table.head, row, strict=True))))
            assert len(lines) == len(VARIANTS) * 3 + frame.groupby(["variant", "method"]).ngroups
            known = {(row.variant, row.metric, row.method): row for row in frame.itertuples()}
            for variant, line in lines:
                name = line["Method"]
                for metric in what["metrics"]:
                    cell = line[metric.replace("_", " ").replace("@", " @ ")]
                    mark = name.split(":")[0]
                    if mark in ("ceiling", "blind", "floor"):
                        bound = getattr(known[variant, metric, what["methods"][0]], mark)
                        assert same(cell, bound, step=0.001, share=0.005)
                        continue
                    true = known[variant, metric, name]
                    mean, _, rest = cell.partition(" ± ")
                    assert same(mean, true.mean, step=0.001, share=0.05)
                    assert (rest == "") == math.isnan(true.spread)
                    assert ("4 of 5 seeds" in cell) == (true.n == 4)


def test_variants_have_their_three_marks_and_the_reason_why_they_do_not_rank(site: Site) -> None:
    lines = site["tasks/probing-othello_board.html"].table("table-variants").lines
    assert [line["Variant"] for line in lines] == list(VARIANTS)
    assert [line["Chance"] for line in lines] == ["0.100"] * 3
    assert [line["Blind"] for line in lines] == ["0.300", "–", "0.300"]
    assert [line["Room above blind"] for line in lines] == ["0.78", "1.00", "0.78"]
    assert [line["Ranked"] for line in lines] == ["yes", "yes", "no " + " ".join(HOSTILE.split())]


def test_readings_have_their_words_and_their_ranks(site: Site) -> None:
    page = site["methods/dictionary-topk.html"]
    table = next(table for table in page.tables if "Otherwise" in table.rows[0])
    assert len(table.lines) == 2, "what it declined is left out"
    first, second = table.lines
    assert first["Otherwise"].startswith("only what speaks for it")
    assert second["Otherwise"].startswith("odd"), "a way that nobody describes has its name"
    assert (first["Skill"], first["Rank"], first["Plainly"]) == ("0.41", "3 of 5", "2")
    assert not any("Otherwise" in table.rows[0] for table in site["methods/dictionary-supervised.html"].tables)


def test_dials_and_budgets(board: Board, site: Site) -> None:
    task = site["tasks/dictionary-superposition.html"]
    dial = next(table for table in task.tables if "dials" in str(table.attributes["class"]).split())
    by_method = {line["Method"]: line for line in dial.lines}
    assert by_method["supervised"]["Breaks down at"] == "top"
    assert by_method["topk"]["Breaks down at"] == "holds to top"
    assert (by_method["supervised"]["standard"], by_method["supervised"]["top"]) == ("0.90", "0.02")
    method = site["methods/dictionary-topk.html"]
    budgets = next(table for table in method.tables if "Budget" in table.rows[0])
    assert [line["Budget"] for line in budgets.lines] == ["1×", "4×"]
    assert [line["Still rising"] for line in budgets.lines] == ["–", "yes"]
    names = [line["Method"] for line in site["index.html"].table("ranking-family-dictionary").lines]
    assert [name for name in names if "still rising" in name] == [names[1]]
    assert names[1].startswith("topk still rising")


def test_claims_certificates_and_facts(board: Board, site: Site) -> None:
    claims = site["claims.html"].table("table-claims").lines
    verdicts = ["reproduced", "not reproduced", "undecided", "out of regime", "not testable here"]
    assert [line["Verdict"].split(" ", 1)[1] for line in claims] == verdicts
    assert [("finding of this suite" in line["Claim"]) for line in claims] == [True, False, False, False, False]
    for line in claims:
        true = next(each for each in board.claims.itertuples() if each.claim in line["Claim"].split())
        assert same(line["Effect"], true.effect, step=0.01)
        assert brackets(line["Effect"]) == text.interval(true.ci_low, true.ci_high)
        sign = {"above": "> ", "below": "< ", "within": "within ±"}[true.expect]
        assert same(line["Expected"].removeprefix(sign), true.margin, step=0.01)
    by_family = next(table for table in site["index.html"].tables if table.attributes["class"] == "verdicts").lines
    assert [line["Family"] for line in by_family] == ["Dictionary", "Attribution", "Probing"]
    assert [by_family[0][head] for head in ("✗ not reproduced", "≠ out of regime", "✓ reproduced")] == ["1", "1", "–"]
    assert sum(int(shown) for line in by_family for shown in list(line.values())[1:] if shown != "–") == len(claims)
    checks, facts = site["certificates.html"].tables
    assert [checks.lines[0][head] for head in ("Result", "Worst value", "Must be", "Seeds")] == [
        *("✗ failed", "0.410", "≥ 0.950", "failed: 3; passed: 0–2, 4"),
    ]
    assert all(line["Result"].startswith("✓") for line in checks.lines[1:])
    assert [line["Measured"] for line in facts.lines] == ["surplus loss", "accuracy <under> attack"]
    assert [float(facts.lines[0][head]) for head in ("Mean", "Least", "Greatest")] == pytest.approx([0.04, 0.02, 0.06])
    assert "1 of 18 checks failed" in site["index.html"].text
    own = next(t for t in site["tasks/probing-informative_dimensions.html"].tables if "Check" in t.head)
    assert {line["Subject"] for line in own.lines} == {"informative_dimensions"}


def test_metrics_that_need_no_truth_stand_beside_it(board: Board, site: Site) -> None:
    lines = site["index.html"].table("table-trust").lines
    means = board.agreement[board.agreement.task.eq("")]
    assert len(lines) == len(means)
    for line in lines:
        own = [row for row in means.itertuples() if row.metric.replace("_", " ") in line["Metric"]]
        true = next(row for row in own if row.family in line["Metric"].lower())
        assert same(line["Tau"], true.tau, step=0.01)
        assert line["Methods"] == str(true.methods)
        verdict = {0.6: "towards the truth", 0.05: "not told from chance", -0.7: "too few seeds to tell"}[true.tau]
        assert line["Its order is"] == verdict
    assert any("Tiny 0.60" in line["By task"] for line in lines if "Dictionary" in line["Metric"])


def test_failures_stand_with_their_method_and_task(site: Site) -> None:
    summary = next(table for table in site["index.html"].tables if "Runs" in table.head)
    assert [line["Status"] for line in summary.lines] == ["failed"] * 4 + ["timeout"] + ["unsupported"] * 4
    assert {line["Runs"] for line in summary.lines if line["Status"] == "failed"} == {"3"}
    for page in ("methods/attribution-smoothgrad.html", "tasks/attribution-blockmnist.html"):
        lines = next(table for table in site[page].tables if "Reason and command" in table.head).lines
        failed = next(line for line in lines if line["Status"] == "failed")
        assert failed["Seeds"] == "0–2"
        assert "touchstone run --task blockmnist --method smoothgrad" in failed["Reason and command"]


def test_pages_are_well_formed_and_complete_without_a_script(site: Site) -> None:
    for name, reader in site.items():
        kinds = Counter(tag for tag, _ in reader.tags)
        assert reader.open == [], name
        assert kinds["caption"] == kinds["table"], name
        assert kinds["h1"] == 1, name
        assert kinds["script"] == 1, name
        assert all(own.get("scope") in ("col", "row", "rowgroup") for tag, own in reader.tags if tag == "th"), name
        assert all(own["alt"] for tag, own in reader.tags if tag == "img"), name
        assert len(reader.ids) == len(set(reader.ids)), name
        assert not re.search(r"\b(nan|NaN|None|NaT|Undefined)\b", reader.text), name
    index = site["index.html"]
    for family, what in FAMILIES.items():
        for method in [*what["methods"], *REFERENCES]:
            assert f"methods/{family}-{method}.html" in site
            assert method in index.words
    assert next(own for _, own in index.tags if own.get("id") == "tools").keys() >= {"hidden"}


def test_every_link_leads_somewhere(site: Site) -> None:
    known = {*DOWNLOADS, "assets/style.css", "assets/site.js"}
    for name, reader in site.items():
        for tag, address in reader.addresses:
            path, _, place = address.partition("#")
            if re.match(r"https?://", address):
                assert tag == "a", (name, address)
                continue
            if address.startswith("data:image/svg"):
                continue
            target = _beside(name, unquote(path)) if path else name
            if target.startswith("pictures/") or target in known:
                continue
            assert target in site, (name, address)
            if place and "=" not in place:
                assert place in site[target].ids, (name, address)


def _beside(page: str, path: str) -> str:
    """A relative path as seen from a page, as a path within the site."""
    parts = list(PurePosixPath(page).parent.parts)
    for part in PurePosixPath(path).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def test_nothing_from_elsewhere_is_loaded(site: Site, marked: Site) -> None:
    assert "url(" not in style()
    assert "@import" not in style()
    for reader in [*site.values(), *marked.values()]:
        for tag, own in reader.tags:
            assert not [name for name in own if name.startswith("on") or name == "style"], (tag, own)
        for tag, address in reader.addresses:
            if tag != "a":
                assert re.match(r"data:image/svg|(\.\./)?(assets|pictures)/[\w.-]+$", address), address
        policy = next(own for _, own in reader.tags if own.get("http-equiv") == "Content-Security-Policy")["content"]
        assert str(policy).startswith("default-src 'none'; ")
        assert "unsafe" not in str(policy)
        assert "http" not in str(policy)


def test_nothing_that_a_plugin_says_becomes_markup(marked: Site) -> None:
    said = " ".join(HOSTILE.split())
    for name, reader in marked.items():
        kinds = Counter(tag for tag, _ in reader.tags)
        assert kinds["script"] == 1, name
        for tag, own in reader.tags:
            if tag == "img":
                assert str(own["src"]).startswith(("pictures/", "../pictures/")), name
            if tag == "a":
                assert re.match(r"https://(arxiv|doi)\.org/|https://example\.org/|#|[\w./=%-]", str(own["href"])), own
            assert "onerror" not in own
    task = next(reader for name, reader in marked.items() if name.startswith("tasks/"))
    method = marked[next(name for name in marked if name.endswith("second-method.html"))]
    for reader, names in ((task, ("task", "method", "metric")), (method, ("second method",))):
        assert said in reader.text
        for name in names:
            assert markup(name) in reader.text.replace("Img src", "img src").replace("<Img", "<img")


@pytest.mark.parametrize(
    "hostile", ["javascript:alert(1)", "data:text/html,x", '"><script>x</script>', "https://a.b/\"onclick='x'"]
)
def test_a_citation_only_ever_links_to_the_web(board: Board, hostile: str) -> None:
    plugins = dict(board.plugins) | {("method", "attribution", "deep_lift"): About("x", hostile)}
    reader = page_of(dataclasses.replace(board, plugins=plugins), "methods/attribution-deep_lift.html")
    assert sum(tag == "script" for tag, _ in reader.tags) == 1
    for tag, own in reader.tags:
        assert "onclick" not in own
        if tag == "a":
            assert not str(own["href"]).startswith(("javascript", "data"))


def test_a_method_shows_its_docstring_parameters_and_commands(site: Site) -> None:
    reader = site["methods/probing-leace.html"]
    assert "A(x) = mean over k of  f(x + e_k)" in "".join(reader.words)
    assert ("a", {"href": "https://arxiv.org/abs/1706.03825"}) in reader.tags
    parameters = next(table for table in reader.tables if "In this profile" in table.head)
    assert [list(line.values()) for line in parameters.lines] == [["samples", "8", "32"], ["noise", "0.1", "0.1"]]
    assert "touchstone run --task probing/othello_board --method leace --profile smoke" in reader.text
    assert "Compare it with linear_probe" in reader.text


def test_pictures_of_single_methods_are_one_grid_with_one_caption(site: Site) -> None:
    reader = site["tasks/attribution-blockmnist.html"]
    assert reader.text.count("The first inputs, and what the method marked.") == 2
    shown = [own for tag, own in reader.tags if tag == "img" and own["width"] == own["height"]]
    names = ["oracle", "oracle", "random", *(name for name in FAMILIES["attribution"]["methods"])]
    assert [str(own["src"]).rpartition("-")[2].removesuffix(".png") for own in shown] == names
    assert all(own.get("loading") == "lazy" for own in shown)


def test_what_one_seed_cannot_tell_of_random_weights_is_not_counted(board: Board) -> None:
    unknown = {"beats_untrained": None, "above_untrained_low": NAN, "above_untrained_high": NAN}
    alone = dataclasses.replace(board, leaderboard=board.leaderboard.assign(**unknown))
    assert all(family.ranking.beating_untrained is None for family in View(alone).families)
    assert "so few seeds cannot tell how many earn more" in page_of(alone).text


def test_where_no_run_can_tell_nobody_is_said_to_fail_against_blind(board: Board) -> None:
    untold = dataclasses.replace(board, leaderboard=board.leaderboard.assign(beats_blind=None))
    index = page_of(untold).text
    assert "beat what can be had without the model" not in index
    assert index.count("too few runs to tell") == len(FAMILIES)
    for family in View(board).families:
        expected = sum(row["beats_untrained"] is True for row in family.ranking.ranked)
        assert family.ranking.beating_untrained == (expected if family.name in TWINNED else None)


def test_times_of_different_machines_stand_apart(board: Board) -> None:
    runs = {family: {"hardware": {"processor": f"CPU of {family}"}, "commit": "abc"} for family in FAMILIES}
    merged = dataclasses.replace(board, provenance={**board.provenance, "families": runs})
    index = page_of(merged)
    captions = " ".join(index.words)
    for family in FAMILIES:
        assert f"seconds on CPU of {family}" in captions
    assert View(merged).mixed_hardware
    assert not View(board).mixed_hardware


def test_who_may_be_the_best_and_where_it_is_weakest(board: Board, site: Site) -> None:
    glance = site["index.html"].tables[0].lines
    family = next(line for line in glance if line["Family"].startswith("Dictionary"))
    first = board.leaderboard[(board.leaderboard.family == "dictionary") & (board.leaderboard.rank_low == 1)]
    assert family["May be the best"].startswith(first.method.iloc[0])
    own = board.tasks[(board.tasks.family == "dictionary") & (board.tasks.method == first.method.iloc[0])]
    worst = own.loc[own.skill.idxmin()]
    assert family["The first is weakest on"] == f"{worst.task}skill {worst.skill:.2f}".replace("-", "−")


def test_a_task_that_ranks_nobody_says_so_and_shows_what_was_measured(board: Board) -> None:
    kept = {name: getattr(board, name) for name in ("tasks", "variants")}
    dropped = {name: table[table.task != "superposition"] for name, table in kept.items()}
    diagnosis = dataclasses.replace(board, **dropped)
    page = page_of(diagnosis, "tasks/dictionary-superposition.html")
    assert "This task ranks nobody here" in page.text
    assert next(own for _, own in page.tags if own.get("id") == "values").keys() >= {"open"}
    assert "Kendall" not in page.text
    index = page_of(diagnosis)
    assert "on 2 tasks (and 1 that only diagnoses)" in index.text
    assert index.table("matrix-family-dictionary").head[1:] == ["othello_board", "tiny"]
    method = page_of(diagnosis, "methods/dictionary-topk.html")
    assert "superposition" in method.text
    assert "of 2" in method.text


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
    assert "Declined: these methods say that they do not apply here" in page_of(changed).text
    own = page_of(changed, "methods/attribution-occlusion.html")
    assert "occlusion declined every question of this profile." in own.text


def test_render_writes_the_site_and_sweeps_away_an_earlier_one(tmp_path: Path) -> None:
    alone, both = ({name: FAMILIES[name] for name in names} for names in (["description"], ["description", "probing"]))
    earlier = render(fake_board(tmp_path, both), tmp_path / "site")
    (tmp_path / "site" / "tasks" / "notes.html").write_text("<p>by hand</p>")
    (tmp_path / "site" / "leaderboard.csv").write_text("kept")
    written = render(fake_board(tmp_path, alone), tmp_path / "site")
    left = {path for path in (tmp_path / "site").rglob("*") if path.is_file()}
    assert left == {*written, tmp_path / "site" / "tasks" / "notes.html", tmp_path / "site" / "leaderboard.csv"}
    assert len(written) < len(earlier)
    before = {path: path.read_bytes() for path in written}
    assert render(fake_board(tmp_path, alone), tmp_path / "site") == written
    assert {path: path.read_bytes() for path in written} == before


def test_a_site_may_be_made_anew_from_its_own_pictures(tmp_path: Path) -> None:
    board = fake_board(tmp_path, {"description": FAMILIES["description"]})
    first = render(board, tmp_path)
    kept = [dataclasses.replace(i.picture, path=tmp_path / "pictures" / i.file) for i in View(board).images]
    assert render(dataclasses.replace(board, pictures=kept), tmp_path) == first


def _empty() -> Board:
    tables = {name: pd.DataFrame(columns=list(columns)) for name, columns in COLUMNS.items()}
    return Board(profile="smoke", title="Nothing", provenance={}, **tables)


def test_an_empty_board_is_a_site() -> None:
    site = read(_empty())
    assert set(site) == {"index.html", "claims.html", "certificates.html"}
    assert "Every method answered every task." in site["index.html"].text


def test_a_table_without_a_column_is_named(board: Board) -> None:
    with pytest.raises(TouchstoneError, match=r"`claims` lacks verdict \(got claim, .*; expected claim, "):
        dataclasses.replace(board, claims=board.claims.drop(columns="verdict"))


def test_pictures_must_be_png_and_named_apart(board: Board, tmp_path: Path) -> None:
    (tmp_path / "not.png").write_bytes(b"GIF89a")
    wrong = PagePicture("attribution", "blockmnist", "a", "A", "", tmp_path / "not.png")
    with pytest.raises(TouchstoneError, match="no PNG"):
        _ = View(dataclasses.replace(board, pictures=[wrong])).images
    right = dataclasses.replace(wrong, path=picture(tmp_path / "right.png"))
    with pytest.raises(TouchstoneError, match="two pictures"):
        _ = View(dataclasses.replace(board, pictures=[right, right])).images
