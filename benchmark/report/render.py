"""The report as a page of Markdown and as a table of LaTeX: the same rows, the same words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmark.registry import plugins
from benchmark.report import latex
from benchmark.report.rows import Group, Line, groups, raw
from benchmark.report.standing import Standing, quotation
from benchmark.site import text

HEAD = ("Method", "Skill", "95 % interval", "Rank", "Above blind", "p", "Seeds", "Failures")
SHORT = {"95 % interval": "95 %", "Above blind": "> blind", "Failures": "Failed"}
"""Of the columns whose heads are wider than a page has room for."""
PARTS = {
    "this method": "this method",
    "may be the best": "top group",
    "blind": "blind",
    "chance": "chance",
    "truth": "truth",
}
WHOLE = 3
"""Of so many tasks the table shows others beside the method on each."""
EXPLAINED = (
    "Skill is (score - null) / (ceiling - null) of each task's primary metric. The null is the higher of chance, the "
    "mean of many random explanations, and blind, the best control, which never consults what the model learned; the "
    "ceiling is the score of the planted truth. The interval is over retraining: these variants, other seeds. Ranks "
    "are those that the data allow, and p, of being above the null, is corrected for all methods of the family (a "
    "reference's is its own). The top group are the methods than which no other is shown to be better."
)


def cells(line: Line) -> list[str]:
    """What stands in the columns after the name."""
    row = line.row
    beats = row.get("beats_blind")
    return [
        text.fixed(row.get("skill")),
        text.interval(row.get("ci_low"), row.get("ci_high")),
        text.span(row.get("rank_low"), row.get("rank_high")),
        text.MISSING if beats is None else "yes" if beats else "no",
        text.probability(row.get("p_value")),
        text.count(row.get("seeds")),
        text.count(row.get("failures")),
    ]


def title(group: Group) -> str:
    """What a group of rows is about."""
    name = group.task or "Mean over all tasks"
    return name + (f" ({group.left_out} more in the top group)" if group.left_out else "")


def latex_table(standing: Standing) -> str:
    """The table, with the quotable sentence as its caption. It fits on a page: of more tasks than `WHOLE` each is one
    line, of this method alone, and the page of Markdown holds the rest."""
    shown = groups(standing)
    whole = shown if len(shown) <= WHOLE + 1 else shown[:1]
    parts = [(latex.escaped(title(group)), [_latex_line(line) for line in group.lines]) for group in whole]
    if len(whole) < len(shown):
        parts.append(("This method, task by task (in brackets the best other's skill)", [*_by_task(shown[1:])]))
    label = f"tab:touchstone-{standing.family}-{standing.method}"
    caption = latex.escaped(f"{quotation(standing)} {EXPLAINED}")
    return latex.table([latex.escaped(SHORT.get(name, name)) for name in HEAD], parts, caption=caption, label=label)


def _latex_line(line: Line) -> list[str]:
    return [f"{latex.code(line.method)} ({latex.escaped(PARTS[line.part])})", *map(latex.escaped, cells(line))]


def _by_task(tasks: Sequence[Group]) -> Iterator[list[str]]:
    """A line for each task that the method answered, with the skill of the best other method."""
    for group in tasks:
        others = [line.row["skill"] for line in group.lines if line.part == "may be the best" and line.row.get("skill")]
        beside = f" ({text.fixed(max(others))})" if others else ""
        for line in group.lines:
            if line.part == "this method":
                yield [latex.code(group.task) + beside, *map(latex.escaped, cells(line))]


def page(standing: Standing) -> str:
    """The whole report as Markdown."""
    about = next(
        (
            p
            for p in plugins().plugins
            if (p.family, p.name) == (standing.family, standing.method) and p.kind in ("method", "reference")
        ),
        None,
    )
    lines = [f"# {text.markdown_code(standing.method)} on Touchstone: {text.markdown(standing.family)}", ""]
    if about and about.summary:
        source = f" {text.markdown_sources(about.cites)}" if about.cites else ""
        lines += [f"{text.markdown(text.sentence(about.summary))}{source}", ""]
    lines += ["This may be quoted:", "", f"> {text.markdown(quotation(standing))}", ""]
    lines += ["## Beside the top group, blind, chance and the planted truth", ""]
    for group in groups(standing):
        lines += [f"**{text.markdown(title(group))}**", "", *_table(HEAD, [_line(line) for line in group.lines]), ""]
    lines += [EXPLAINED, "", *_variants(standing), *_origin(standing)]
    return "\n".join(lines).rstrip() + "\n"


def _line(line: Line) -> list[str]:
    name = text.markdown_code(line.method)
    shown = f"**{name}**" if line.part == "this method" else f"{name} ({PARTS[line.part]})"
    return [shown, *map(text.markdown, cells(line))]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> Iterator[str]:
    """The first `words` columns are set flush left, numbers flush right."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' :--- |' * words}{' ---: |' * (len(head) - words)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _variants(standing: Standing) -> list[str]:
    """The scores in their own units: without them no reader can check a skill."""
    found = raw(standing)
    if not found:
        return []
    rows = []
    for one in found:
        mark = one.mark
        blind = text.score(mark.get("blind"))
        control = f" ({text.markdown_code(mark['control'])})" if mark.get("control") else ""
        note = "yes" if mark.get("ranked") else f"no: {text.markdown(mark.get('reason') or 'its rival is not')}"
        seeds = str(one.seeds) + (f" (without a score on {one.unscored})" if one.unscored else "")
        cell = [one.mark["task"], one.mark["variant"], one.metric]
        marks = [text.score(mark.get("floor")), blind + control, text.score(mark.get("ceiling"))]
        rows.append([*map(text.markdown, cell), f"**{text.score(one.mean)}**", *marks, seeds, note])
    head = ("Task", "Variant", "Metric", "This method", "Chance", "Blind", "Truth", "Seeds", "Ranked")
    return ["## Scores between the three marks", "", *_table(head, rows, words=3), ""]


def _origin(standing: Standing) -> list[str]:
    origin, profile = standing.board.provenance, standing.board.profile
    known = {
        "commit": str(origin.get("commit") or "unknown")
        + (", with uncommitted changes" if origin.get("dirty") else ""),
        "finished": text.moment(origin["finished"]) if origin.get("finished") else None,
        "configuration": origin.get("configuration_hash"),
        "hardware": text.brief(origin["hardware"]) if origin.get("hardware") else None,
    }
    lines = [f"- {name}: {text.markdown(value)}" for name, value in known.items() if value]
    repeat = [
        f"touchstone run --task {standing.family}/{task} --method {standing.method} --profile {profile}"
        for task in dict.fromkeys(str(row["task"]) for row in standing.own)
    ]
    repeat = [f"- {text.markdown_code(command)}" for command in repeat]
    return [
        "## Where this comes from",
        "",
        f"- profile: {text.markdown(profile)}",
        *lines,
        "",
        "To repeat it:",
        "",
        *repeat,
    ]
