"""Pictures: what a family shows of its explanations on the first seed, each drawn when what it shows has changed.

    draw(plan, store, "attribution.blockmnist")

A job of its own behind the scores: whoever edits a picture waits for no score, and a new method draws the pictures that
show it. Of the scores those count that were read while the picture was made, so that a new metric draws none anew. A
picture that cannot be drawn is counted as failed, and costs nothing else.
"""

from __future__ import annotations

import functools
import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

import pandas as pd
import torch
from PIL import Image

from benchmark import standing
from benchmark.families.family import Case, Picture
from benchmark.isolation import Ending, Send, run_isolated
from benchmark.keys import content_key, picture_key, posed_keys, reference_key
from benchmark.log import log
from benchmark.plan import Instance, MethodPlan, Plan, TaskPlan
from benchmark.runtime import make_deterministic
from benchmark.scores import by_name
from benchmark.seeds import secret_descriptors
from benchmark.stages.instances import family_of, make_concrete
from benchmark.stages.made import PNG, trained
from benchmark.stages.score import read_explanation
from benchmark.store import Key, Store, digest, write_index
from benchmark.subjects import generator_for

COLOURS = 256


class Scores(Mapping[str, float]):
    """The scores of a case, which note the names of those that somebody asks for."""

    def __init__(self, values: Mapping[str, float], read: set[str]) -> None:
        self._values, self._read = values, read

    def __getitem__(self, name: str) -> float:
        self._read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        for name in self._values:
            self._read.add(name)
            yield name

    def __len__(self) -> int:
        return len(self._values)


def draw(plan: Plan, store: Store, name: str) -> Mapping[str, int]:
    """Draw the pictures of a task that are not there or no longer true; count computed, reused and failed ones."""
    task = plan.task(name)
    counts = {"computed": 0, "reused": 0, "failed": 0}
    names: list[str] = []
    for _, message in run_isolated([functools.partial(_draw_missing, plan, store, task)], kept=secret_descriptors):
        if isinstance(message, Ending):
            if message.status != "ok":
                counts["failed"] += 1
                reason = f"{message.reason}\n{message.trace}".rstrip()
                log.warning("[pictures %s] %s", task.plugin.key, reason)
            continue
        header = message.header
        if "failed" in header:
            counts["failed"] += 1
            log.warning("[pictures %s] %s cannot be drawn\n%s", task.plugin.key, header["name"], header["failed"])
            continue
        names.append(str(header["name"]))
        if header["kept"]:
            counts["reused"] += 1
        else:
            png = message.tensors[PNG].numpy().tobytes()
            content = {name: header[name] for name in ("title", "caption", "read", "scores")}
            store.put(plan.layout.picture(task.id, names[-1]), header["key"], content, blobs={PNG: png})
            counts["computed"] += 1
    kept = [store.read(plan.layout.picture(task.id, picture)) for picture in names]
    files = {path: file for thing in kept for path, file in thing.files.items()}
    content = {"task": task.id, "pictures": names, "counts": counts, "run": os.environ.get("TOUCHSTONE_RUN")}
    content[standing.MADE_FROM] = standing.of_drawing(task)
    write_index(plan.layout.picture_index(task.id), files, content)
    log.info("[pictures %s] %d drawn, %d still true", task.plugin.key, counts["computed"], counts["reused"])
    return counts


def _draw_missing(plan: Plan, store: Store, task: TaskPlan, send: Send) -> None:
    """In the child: make the cases of the first seed, and draw each picture whose key is new, or say why it failed."""
    cases, identities = [], {}
    read: set[str] = set()
    for case, identity in _cases(plan, store, task, read):
        cases.append(case)
        identities[id(case)] = identity
    pictures = family_of(task.family).pictures(cases)
    before = frozenset(read)
    for picture in pictures:
        shown = picture.shows or cases
        name = f"{picture.name}/{picture.title}/{picture.caption}"
        key = picture_key(task.family_plugin, [identities[id(case)] for case in shown], name)
        header: dict[str, Any] = {"name": picture.name, "title": picture.title, "caption": picture.caption, "key": key}
        kept = store.find(plan.layout.picture(task.id, picture.name), key)
        if kept is not None and kept.content["scores"] == _seen(shown, kept.content["read"]):
            send(header | {"kept": True})
            continue
        read.clear()
        try:
            pixels = torch.frombuffer(bytearray(_png(picture)), dtype=torch.uint8)
        except Exception:  # one picture that cannot be drawn costs no other
            send({"name": picture.name, "failed": traceback.format_exc().rstrip()})
        else:
            names = sorted(before | read)
            send(header | {"kept": False, "read": names, "scores": _seen(shown, names)}, {PNG: pixels})


def _seen(cases: Sequence[Case], names: Sequence[str]) -> Key:
    """What these scores are in these cases."""
    return digest([[case.scores.get(name) for name in names] for case in cases])


def _cases(plan: Plan, store: Store, task: TaskPlan, read: set[str]) -> Iterator[tuple[Case, Key]]:
    """Every explanation on the first seed, and what identifies it; `read` gets the names of the scores asked for."""
    scores = pd.read_parquet(plan.layout.scores(task.id))
    first = min(instance.seed for instance in task.instances)
    ranked = [method for method in task.methods if method.ranked]
    for instance in task.instances:
        if instance.seed == first and not instance.repeat and _trained(plan, store, instance):
            yield from cases_of(plan, store, task, ranked, instance, scores[scores.seed == first], read)


def _trained(plan: Plan, store: Store, instance: Instance) -> bool:
    names = instance.subjects.values()
    return all(trained(plan, store, name, instance.seed).content["status"] == "ok" for name in names)


def cases_of(
    plan: Plan,
    store: Store,
    task: TaskPlan,
    methods: Sequence[MethodPlan],
    instance: Instance,
    scores: pd.DataFrame,
    read: set[str],
) -> Iterator[tuple[Case, Key]]:
    """The explanations of an instance by all references and by `methods`, and what identifies each."""
    make_deterministic(instance.seed)
    concrete = make_concrete(plan, store, task, instance)
    question, truth = concrete.pose(), concrete.truth()
    known = posed_keys(plan, store, task, instance).truth
    shown: dict[str, tuple[Any, Key]] = {}
    for plugin in plan.registry.of("reference", task.family):
        generator = generator_for(instance.seed, f"picture/{plugin.name}")
        explanation = by_name(plugin.load(), question=question, truth=truth, generator=generator)
        shown[plugin.name] = explanation, reference_key(plugin, known, "picture", 0)
    for method in methods:
        kept = store.read(plan.layout.explanation(task.id, method.name, instance.label))
        if kept.content["status"] == "ok":
            shown[method.shown] = read_explanation(task, kept), content_key(kept)
    here = scores[scores.variant == instance.variant]
    for name, (explanation, identity) in shown.items():
        values = Scores(_values(here[here.method == name]), read)
        case = Case(task.plugin.name, instance.variant, instance.seed, name, question, truth, explanation, values)
        yield case, digest([instance.label, name, identity, known, task.primary])


def _values(rows: pd.DataFrame) -> dict[str, float]:
    ordered = rows.sort_values("primary", ascending=False, kind="stable")
    return dict(zip(ordered.metric, ordered.value, strict=True))


def _png(picture: Picture) -> bytes:
    """A figure as a PNG with a palette, a third of the size of true colour: a board holds every picture.

    The palette covers the colours that are there: one that follows how many pixels have them gives the ends of a scale,
    which few have, the tone of another end.
    """
    drawn, small = BytesIO(), BytesIO()
    picture.draw().savefig(drawn, format="png", metadata={"Software": None})
    image = Image.open(drawn).convert("RGB")
    image.quantize(COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=1).save(small, format="png", optimize=True)
    return small.getvalue()
