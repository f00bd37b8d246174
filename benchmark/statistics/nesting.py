"""How instances nest: variants in clusters, clusters in tasks, and which clusters share the luck of a subject's seed.

    nesting = Nesting.of(grid.instances)
    score, covered = cluster_means(values, nesting)
    parts = contributions(values, nesting)            # [rows, draws], adding up to the mean

An instance is a (task, variant, seed); a cluster a (task, seed); a draw a (subject, seed). Tasks that name the same
subject share its draws: what one seed does to both is one piece of luck, not two. The draw is what varies
independently, and so the unit of every test.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Nesting:
    """Who belongs to whom, as 0/1 matrices: instance -> cluster -> task -> subject, and cluster -> draw -> subject."""

    cluster: Array
    """[instances, clusters]; a cluster is a (task, seed)."""
    task: Array
    """[clusters, tasks]"""
    draw: Array
    """[clusters, draws]; a draw is a (subject, seed)."""
    subject: Array
    """[tasks, subjects]"""
    owner: Array
    """[draws, subjects]"""
    variant: Array
    """[instances, variants]; a variant is a (task, variant)."""

    @classmethod
    def of(cls, instances: pd.DataFrame) -> Nesting:
        """The nesting of instances (columns family, task, variant, seed, and `subject`; without it each task is its
        own)."""
        task = list(zip(instances["family"], instances["task"], strict=True))
        if "subject" in instances.columns:
            named = list(instances["subject"])
            subject = [(name,) if isinstance(name, str) else own for name, own in zip(named, task, strict=True)]
        else:
            subject = [tuple(own) for own in task]
        seed = list(instances["seed"])
        of_instance, clusters = _indicator(list(zip(task, seed, strict=True)))
        cluster_task, tasks = _indicator([task[at] for at in clusters])
        cluster_draw, draws = _indicator([(subject[at], seed[at]) for at in clusters])
        task_subject, subjects = _indicator([subject[clusters[at]] for at in tasks])
        order = [subject[clusters[tasks[at]]] for at in subjects]
        owner = np.zeros((len(draws), len(order)))
        for row, at in enumerate(draws):
            owner[row, order.index(subject[clusters[at]])] = 1.0
        variant, _ = _indicator(list(zip(task, instances["variant"], strict=True)))
        return cls(of_instance, cluster_task, cluster_draw, task_subject, owner, variant)


def _indicator(labels: list[tuple[object, ...]]) -> tuple[Array, list[int]]:
    """A 0/1 matrix [labels, different labels] and, for each different label, the place where it first occurs."""
    first: dict[tuple[object, ...], int] = {}
    for at, label in enumerate(labels):
        first.setdefault(label, at)
    column = {label: at for at, label in enumerate(first)}
    matrix = np.zeros((len(labels), len(first)))
    for at, label in enumerate(labels):
        matrix[at, column[label]] = 1.0
    return matrix, list(first.values())


def group_means(values: Array, groups: Array) -> tuple[Array, Array]:
    """Means [rows, groups] of the values [rows, instances] in each group, 0 where nothing was measured, and where
    something was, as 0/1."""
    measured = np.isfinite(values).astype(np.float64)
    count = measured @ groups
    return np.where(measured > 0, values, 0.0) @ groups / np.maximum(count, 1), (count > 0).astype(np.float64)


def cluster_means(values: Array, nesting: Nesting) -> tuple[Array, Array]:
    """Means over the variants [rows, clusters], 0 where nothing was measured, and where something was, as 0/1."""
    return group_means(values, nesting.cluster)


def task_weights(covered: Array, nesting: Nesting) -> tuple[Array, Array]:
    """Seeds per task and weights, both [rows, tasks]; covered tasks weigh the same, a row's weights add to 1."""
    seeds = covered @ nesting.task
    has = (seeds > 0).astype(np.float64)
    return seeds, has / np.maximum(has.sum(1, keepdims=True), 1)


def lone(values: Array, nesting: Nesting) -> NDArray[np.bool_]:
    """[rows] whether a row covers a task on one seed only, of which nothing can be inferred."""
    _, covered = cluster_means(values, nesting)
    return np.asarray((covered @ nesting.task == 1).any(1), dtype=np.bool_)


def draws_of(values: Array, nesting: Nesting) -> NDArray[np.int64]:
    """[rows] how many independent draws a row covers."""
    _, covered = cluster_means(values, nesting)
    return np.asarray((covered @ nesting.draw > 0).sum(1), dtype=np.int64)


def contributions(values: Array, nesting: Nesting) -> Array:
    """What each draw adds to a row's mean [rows, draws]: they sum to the mean over variants, seeds and tasks.

    NaN for a row that covers nothing, or a task on one seed only.
    """
    score, covered = cluster_means(values, nesting)
    seeds, weight = task_weights(covered, nesting)
    share = weight / np.maximum(seeds, 1)
    parts = (score * covered * (share @ nesting.task.T)) @ nesting.draw
    known = (seeds > 0).any(1) & ~(seeds == 1).any(1)
    return np.asarray(np.where(known[:, None], parts, np.nan), dtype=np.float64)
