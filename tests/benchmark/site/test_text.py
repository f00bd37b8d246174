"""Numbers and sources as text, and the axes of the small pictures."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.site import svg, text

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((0, "0"), (0.0342, "0.034"), (7.25, "7.250"), (31.24, "31.2"), (312.4, "312"), (1832.7, "1,833"), (12, "12")),
        *(
            (12_345, "12.3k"),
            (999_600, "1M"),
            (4_560_000, "4.56M"),
            (2e-5, "2.0e-05"),
            (-0.5, "-0.500"),
            (7.1e9, "7.1G"),
        ),
        *((NAN, "–"), (None, "–"), (pd.NA, "–"), (math.inf, "∞"), (-math.inf, "-∞"), (1e14, "100,000G")),
    ],
)
def test_amount(value: float, shown: str) -> None:
    assert text.amount(value) == shown


@given(st.floats(min_value=-1e12, max_value=1e12))
def test_an_amount_is_within_half_a_percent_or_half_a_thousandth_or_tiny(value: float) -> None:
    shown = text.amount(value)
    units = {"k": 1e3, "M": 1e6, "G": 1e9}
    read = float(shown.rstrip("kMG").replace(",", "")) * units.get(shown[-1], 1.0)
    assert math.isclose(read, value, rel_tol=0.005, abs_tol=0.00051 if abs(value) >= 0.0005 else 0.05 * abs(value))


@given(st.floats(min_value=-100, max_value=100))
def test_fixed_never_shows_a_negative_zero(value: float) -> None:
    shown = text.fixed(value)
    assert shown != "-0.00"
    assert abs(float(shown) - value) <= 0.00501


def test_small_words() -> None:
    assert text.span(1.0, 3.0) == "1–3"
    assert text.span(2, 2) == "2"
    assert text.span(NAN, 3) == "–"
    assert text.interval(-0.051, 0.2) == "[-0.05, 0.20]"
    assert text.interval(NAN, 0.2) == "–"
    assert text.probability(0.0004) == "< 0.001"
    assert text.probability(0.0413) == "0.041"
    assert text.extent([0.1, 0.1, NAN]) == "0.100"
    assert text.extent([0.1, 0.2]) == "0.100 to 0.200"
    assert text.extent([]) == "–"
    assert text.seeds([4, 0, 1, 2, 7]) == "0–2, 4, 7"
    assert [text.duration(value) for value in (42, 420, 7500)] == ["42 s", "7 min", "2 h 05 min"]
    assert text.slug("a b", "", "../c/<d>") == "a-b-c-d"
    assert text.sentence(" Done") == "Done."
    assert text.duration({"train": 400.0, "total": 420.0}) == "7 min"
    assert text.moment("2026-01-31T13:00:00+01:00") == "2026-01-31 12:00 UTC"
    assert text.moment("yesterday") == "yesterday"
    hardware = {"processor": "X", "cores": 8, "memory_gb": 15.5, "gpus": ["A", "B"], "none": []}
    assert text.brief(hardware) == "X, 8 cores, 15.5 GB memory, A, B"
    assert [text.expected(side, 0.25) for side in ("above", "within", None)] == ["> 0.25", "within ±0.25", "0.25"]
    assert text.plain({"cpu": "X", "cores": 8, "ok": True, "list": [1.0, None]}) == "cpu X, cores 8, ok yes, list 1, –"


def test_sources_find_addresses_and_keep_the_rest() -> None:
    assert text.sources("see arXiv:1706.03825v2, and hep.") == [
        ("see ", None),
        ("arXiv:1706.03825v2", "https://arxiv.org/abs/1706.03825v2"),
        (", and hep.", None),
    ]
    assert text.sources("doi:10.1000/a(b)c") == [("doi:10.1000/a(b)c", "https://doi.org/10.1000/a(b)c")]
    assert text.sources("(10.1000/abc).") == [("(", None), ("10.1000/abc", "https://doi.org/10.1000/abc"), (").", None)]
    assert text.sources("arXiv:cs.LG/0101001")[0][1] == "https://arxiv.org/abs/cs.LG/0101001"
    assert text.sources("https://x.org/a.") == [("https://x.org/a", "https://x.org/a"), (".", None)]
    assert text.sources(None) == []


@given(st.text())
def test_sources_lose_no_text(words: str) -> None:
    assert "".join(label for label, _ in text.sources(words)) == words


def test_markdown_is_escaped() -> None:
    assert text.markdown("a|b\n<c> *d*") == r"a\|b \<c\> \*d\*"
    assert text.markdown_code("a`b") == "``a`b``"
    assert text.markdown_code("a|b") == r"`a\|b`"


@given(st.lists(st.just(NAN) | st.floats(min_value=-50, max_value=50)))
def test_the_axis_of_skill_holds_chance_and_truth_and_is_not_stretched_by_outliers(values: list[float]) -> None:
    axis = svg.skill_axis(values)
    assert -0.7 < axis.low < 0 < 1 < axis.high < 1.5
    for value in values:
        if not math.isnan(value):
            assert 0 <= float(axis.at(value).rstrip("%")) <= 100


def test_an_interval_draws_its_bar_dot_and_arrows() -> None:
    axis = svg.Axis(0.0, 1.0)
    plain = svg.interval(axis, 0.5, 0.25, 0.75)
    assert 'class="bar" d="M25 10H75"' in plain
    assert 'class="dot" d="M50 10h0"' in plain
    assert "hollow" in svg.interval(axis, 0.5, NAN, NAN, hollow=True)
    assert "bar" not in svg.interval(axis, 0.5, NAN, NAN)
    assert svg.interval(axis, -3.0, -3.0, -3.0).count("arrow") == 1
    assert "dot" not in svg.interval(axis, -3.0, -3.0, -3.0)
    assert svg.interval(axis, 0.9, 0.8, 1.2).count("arrow") == 1
    assert "dot" not in svg.interval(axis, NAN, NAN, NAN)


def test_all_marks_of_an_axis_are_one_line_that_ends_in_the_colour_of_truth() -> None:
    skill = svg.interval(svg.marked(svg.Axis(-1.0, 3.0), chance=-0.5), NAN, NAN, NAN)
    assert skill.count("<path") == 1
    assert 'stroke="url(#marks)" d="M12.5 0v2' in skill
    assert skill.endswith('M25 0v20M50 0v20"/></svg>')
    effect = svg.interval(svg.effect_axis([0.1]), NAN, NAN, NAN, margins=[0.05, NAN])
    assert 'class="mark" d="M50 0v2' in effect
    assert effect.count('class="margin"') == 1


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("See `full_size`.", "See `full_size`."),
        ("`a|b` * c_d", "`a\\|b` \\* c\\_d"),
        ("one ` only", "one \\` only"),
        ("an empty `` pair", "an empty \\`\\` pair"),
        ("", ""),
    ],
)
def test_names_between_backticks_stay_code_in_markdown(sentence: str, shown: str) -> None:
    assert text.markdown_prose(sentence) == shown


@given(st.text(alphabet="ab `_<"))
def test_prose_loses_nothing(sentence: str) -> None:
    assert "".join(f"`{piece}`" if code else piece for piece, code in text.prose(sentence)) == sentence
