"""The card of an exported data set: configurations and features for the library, and everything a reader must know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from benchmark.card import card
from benchmark.plan import Plan, TaskPlan

if TYPE_CHECKING:
    from benchmark.export import Written


def readme(plan: Plan, task: TaskPlan, tables: Mapping[str, Written], *, models: bool, left_out: Sequence[str]) -> str:
    """The text of README.md: a header in YAML, then Markdown. `models`: methods are handed the models themselves."""
    head = yaml.safe_dump(_header(task, tables), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{head}---\n\n" + "\n".join(_body(plan, task, tables, models, left_out)) + "\n"


def _header(task: TaskPlan, tables: Mapping[str, Written]) -> dict[str, Any]:
    chief = next(name for name, table in tables.items() if not table.truth)
    return {
        "pretty_name": f"Touchstone: {task.plugin.key}",
        "tags": ["interpretability", "touchstone", task.family],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == chief else {}),
                "data_files": [{"split": variant, "path": f"data/{name}/{variant}.parquet"} for variant in table.rows],
            }
            for name, table in tables.items()
        ],
        "dataset_info": [{"config_name": name, "features": table.features} for name, table in tables.items()],
    }


def _body(
    plan: Plan, task: TaskPlan, tables: Mapping[str, Written], models: bool, left_out: Sequence[str]
) -> Iterator[str]:
    chief = next(name for name, table in tables.items() if not table.truth)
    yield f"# Touchstone data: {task.plugin.key}"
    yield ""
    yield "Touchstone is a known-answer test for interpretability methods. These are the data of one task, as its"
    yield f"profile `{plan.profile.name}` has them. Every table has a split for each variant; `seed` is the label of"
    yield "the subject and of what was planted in it, `number` the row."
    yield ""
    yield "```python"
    yield "from datasets import load_dataset"
    yield ""
    yield f'load_dataset(FOLDER)["{next(iter(tables[chief].rows))}"]   # {chief}: what a method sees'
    yield 'load_dataset(FOLDER, "truth")   # what was planted: for scoring alone'
    yield "```"
    yield ""
    for truth, heading in ((False, "What methods see"), (True, "The truth, which no method may see")):
        yield f"## {heading}"
        yield ""
        for name, table in tables.items():
            if table.truth is truth:
                yield f"- `{name}`, {sum(table.rows.values()):,} rows: {table.about}."
        yield ""
    if models:
        yield "Methods are handed the models themselves: `models/<variant>/<seed>.safetensors` are their weights."
    else:
        yield "No method sees the models' weights; those that are kept are `subjects/<subject>/<seed>.safetensors`."
    yield ""
    if left_out:
        yield from ("Note:", "", *(f"- {line}" for line in left_out), "")
    yield "What follows is the task's own card."
    yield ""
    yield card(task.plugin, plan.registry, plan.profile.name)
