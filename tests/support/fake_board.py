"""Invented boards of any size: everything that is awkward to show, as many families and methods as wanted, and plugins
that are full of markup."""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.site import About, Board, PagePicture
from benchmark.site.board import COLUMNS

NAN = math.nan
HOSTILE = "got <script>alert('x')</script> & \"quotes\" | pipes, `ticks` and *stars*\nin two lines"
Suite = Mapping[str, Mapping[str, Sequence[str]]]
"""By family its `tasks`, `methods` and `metrics`; of the metrics the first is primary."""

FAMILIES: Suite = {
    "attribution": {
        "tasks": ["blockmnist"],
        "methods": [
            *("integrated_gradients", "deep_lift", "smoothgrad", "gradient_shap", "occlusion", "input_x_gradient"),
            *("gradient", "guided_backprop", "vargrad", "edge_detector", "smoothgrad_squared", "input_magnitude"),
        ],
        "metrics": ["rank_accuracy", "truth_mass", "auroc", "null_share", "rank_accuracy@digit"],
    },
    "probing": {
        "tasks": ["informative_dimensions", "othello_board"],
        "methods": ["linear_probe", "leace", "difference_in_means", "nearest_mean", "mlp_probe"],
        "metrics": ["test_accuracy", "selectivity", "erasure_gap"],
    },
    "dictionary": {
        "tasks": ["superposition", "othello_board", "tiny"],
        "methods": ["supervised", "topk", "p_anneal", "relu_l1", "ica", "pca", "raw_neurons"],
        "metrics": ["mcc", "recall_at_cosine_0.9", "l0"],
    },
    "description": {
        "tasks": ["numeric_functions"],
        "methods": ["piecewise_search", "symbolic_regression", "regression_tree", "polynomial", "constant"],
        "metrics": ["program_success", "queries_used", "normalised_error"],
    },
}
TWINNED = ("attribution", "dictionary")
"""The families that were measured on random weights, too."""
SPECIALISED = ("attribution", "dictionary")
"""The families whose last method answers too few tasks."""
REFERENCES = ["oracle", "inverted", "random"]
VARIANTS = ("standard", "top", "untrained")
"""The last one ranks nobody."""
BARE = ("l0", "queries_used")
"""Metrics without better or worse."""


def suite(*, families: int, tasks: int, methods: int, metrics: int = 5) -> Suite:
    """So many families, with all the tasks and methods spread over them."""
    return {
        f"family_{n}": {
            "tasks": [f"task_{at}" for at in range(n, tasks, families)],
            "methods": [f"method_{at}" for at in range(n, methods, families)],
            "metrics": [f"metric_{at}" for at in range(metrics)],
        }
        for n in range(families)
    }


def markup(words: str) -> str:
    """A name that would run, if anything let it."""
    return f"<img src=x onerror=alert('{words}')>"


MARKED: Suite = {
    markup("family"): {
        "tasks": [markup("task"), markup("other task")],
        "methods": [markup("method"), markup("second method"), markup("third method")],
        "metrics": [markup("metric"), markup("other metric")],
    }
}
"""A family of which every name is markup."""


def picture(path: Path, width: int = 480, height: int = 160) -> Path:
    """A small valid PNG, grey waves."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = (127 + 60 * np.sin(x / 17) + 60 * np.cos(y / 11)).astype(np.uint8)
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )
    return path


def _ranked(
    family: str, methods: Sequence[str], rng: np.random.Generator, tasks: int, seeds: int
) -> list[dict[str, Any]]:
    rows = []
    for place, method in enumerate(methods):
        skill = 0.92 - 1.05 * place / max(1, len(methods) - 1) + rng.normal(0, 0.02)
        half = 0.03 + 0.05 * rng.random()
        p_value = 0.0004 if skill > 0.3 else float(np.clip(0.3 - skill, 0.001, 1))
        rows.append(
            {
                "family": family, "method": method, "skill": skill, "ci_low": skill - half, "ci_high": skill + half,
                "rank_low": max(1, place), "rank_high": min(len(methods), place + 2), "beats_random": True,
                "beats_blind": p_value < 0.05, "chance_skill": (skill + 0.2) / 1.2,
                "p_value": p_value, "tasks": tasks, "seeds": seeds,
                "failures": int(place == 2) * 3,
                "seconds": float(10 ** rng.uniform(-2, 4)), "unsupported": int(place == 1),
                "specialist": False, "reference": False, "model_calls": int(10 ** rng.uniform(1, 7)),
                "peak_memory_mb": float(rng.uniform(200, 3000)),
                "above_untrained": skill / 2, "above_untrained_low": skill / 2 - half,
                "above_untrained_high": skill / 2 + half, "beats_untrained": bool(skill / 2 > half),
                "wide_low": skill - 3 * half, "wide_high": skill + 3 * half,
                "wide_over": "tasks" if tasks > 1 else "variants",
            }
        )  # fmt: skip
    if family in SPECIALISED:
        rows[-1] |= {"specialist": True, "tasks": 1, "rank_low": NAN, "rank_high": NAN}
    rows[-2] |= {"ci_low": NAN, "ci_high": NAN, "p_value": NAN, "wide_low": NAN, "wide_high": NAN, "wide_over": None}
    if family not in TWINNED:
        for row in rows:
            row |= {key: NAN for key in row if "above_untrained" in key} | {"beats_untrained": None}
    nothing: dict[str, Any] = dict.fromkeys(
        ("rank_low", "rank_high", "p_value", "seconds", "model_calls", "peak_memory_mb"), NAN
    ) | {"beats_blind": None, "beats_random": None, "failures": 0, "unsupported": 0, "reference": True}
    for method, skill in zip(REFERENCES, (1.0, -3.4, 0.0), strict=True):
        rows.append(rows[0] | nothing | {"method": method, "skill": skill, "ci_low": skill, "ci_high": skill})
    return rows


def _metrics(families: Suite, rng: np.random.Generator, seeds: int) -> pd.DataFrame:
    rows = []
    for family, what in families.items():
        for task, variant, metric in itertools.product(what["tasks"], VARIANTS, what["metrics"]):
            scale = {"queries_used": 2500.0, "l0": 12.0, "normalised_error": 1e-5}.get(metric, 1.0)
            bare = metric in BARE
            for place, method in enumerate([*what["methods"], *REFERENCES]):
                rows.append(
                    {
                        "family": family, "task": task, "variant": variant, "method": method, "metric": metric,
                        "primary": metric == what["metrics"][0], "mean": scale * float(rng.uniform(-0.1, 1)),
                        "spread": NAN if place == 3 else scale * 0.1 * rng.random(),
                        "floor": NAN if bare else scale * 0.1,
                        "blind": NAN if bare or variant == "top" else scale * 0.3,
                        "ceiling": NAN if bare else 1.0 * scale, "n": seeds - (place == 1),
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def _marks(families: Suite) -> pd.DataFrame:
    rows: list[list[Any]] = []
    for family, what in families.items():
        control = what["methods"][-1]
        for task in what["tasks"]:
            rows.append([family, task, "standard", 0.1, 0.3, control, 1.0, 7 / 9, True, ""])
            rows.append([family, task, "top", 0.1, NAN, "", 1.0, 1.0, True, ""])
            rows.append([family, task, "untrained", 0.1, 0.3, control, 1.0, 7 / 9, False, HOSTILE])
    return pd.DataFrame(rows, columns=list(COLUMNS["marks"]))


def _agreement(families: Suite) -> pd.DataFrame:
    """Of the last metric of each family, on all tasks; one order is unrelated, one reversed, one of a single seed."""
    rows: list[list[Any]] = []
    for family, what in families.items():
        for place, metric in enumerate(what["metrics"][-3:]):
            tau, half = (0.6, 0.05, -0.7)[place % 3], (0.1, 0.2, NAN)[place % 3]
            for task in ("", *what["tasks"]):
                tasks = 1 if task else len(what["tasks"])
                rows.append([family, metric, task, tau, tau - half, tau + half, len(what["methods"]), tasks, 3])
    return pd.DataFrame(rows, columns=list(COLUMNS["agreement"]))


def _claims() -> pd.DataFrame:
    columns = list(COLUMNS["claims"])
    return pd.DataFrame(
        [
            ["undecided_one", "doi:10.1000/xyz(1)", "probing/othello_board", 0.04, -0.06, 0.15, "undecided",
             "A non-linear probe reads more than a linear one.", 0.05, "the interval holds the margin", False],
            ["vanilla_gradient_fails", "arXiv:2102.12781, section 4", "attribution/blockmnist", 0.31, 0.24, 0.38,
             "reproduced",
             "Gradients of standard models attribute to blocks that carry no signal.", 0.1, "", True],
            ["untested", "https://example.org/paper?a=1&b=2", "dictionary/superposition", 0.3, 0.2, 0.4,
             "not testable here", "Needs a language model.", NAN, "no language model is here", False],
            ["crowded", "arXiv:1706.03825", "dictionary/superposition", 0.1, 0.05, 0.15, "out of regime",
             "Few features are found.", 0.3, "two features a dimension", False],
            ["annealing_helps", "arXiv:1706.03825", "dictionary/superposition", -0.12, -0.2, -0.04, "not reproduced",
             "Annealing the norm finds more <em>true</em> features | always.", 0.0, HOSTILE, False],
        ],
        columns=columns,
    ).assign(
        expect=["above", "above", "below", "above", "within"], published=["left 0.4", "", None, None, "second-hand"]
    )  # fmt: skip


def _certificates(subjects: Sequence[str], seeds: int) -> pd.DataFrame:
    """Three checks of each subject, of which one fails on one seed of the second subject."""
    rows = []
    for number, subject in enumerate(subjects):
        for check, threshold, at_least in (
            ("accuracy", 0.9, True),
            ("flips_with_feature", 0.95, True),
            ("decoy_effect", 0.05, False),
        ):
            for seed in range(seeds):
                value = 0.96 + seed / 100 if at_least else 0.01 * seed / max(1, seeds // 5)
                if (number, check, seed) == (1, "flips_with_feature", 3):
                    value = 0.41
                passed = value >= threshold if at_least else value <= threshold
                rows.append([subject, seed, check, value, threshold, passed, at_least])
    return pd.DataFrame(rows, columns=list(COLUMNS["certificates"]))


def _measured() -> pd.DataFrame:
    rows = [["othello", seed, "surplus_loss", 0.02 + seed / 100] for seed in range(5)]
    rows += [["blockmnist", seed, "accuracy <under> attack", 0.5] for seed in range(3)]
    return pd.DataFrame(rows, columns=list(COLUMNS["measured"]))


def _dials(families: Suite) -> pd.DataFrame:
    """One dial of every family's first task, along which its first method breaks down and the others hold."""
    rows = []
    for family, what in families.items():
        for place, method in enumerate(what["methods"]):
            breaks = "top" if place == 0 else ""
            skills = "standard 0.90, top 0.02" if place == 0 else "standard 0.80, top 0.50"
            rows.append(
                [family, what["tasks"][0], "ratio", method, "standard" if place == 0 else "top", breaks, skills]
            )
    return pd.DataFrame(rows, columns=list(COLUMNS["dials"]))


def _budgets(families: Suite) -> pd.DataFrame:
    """Two learned methods of a family at two budgets; the first still rises."""
    rows: list[list[Any]] = []
    for family, what in families.items():
        one, other = what["methods"][1:3]
        rows += [
            [family, one, 1.0, 0.31, 0.4, 1.5, None, None, None, None],
            [family, one, 4.0, 0.52, 0.6, 6.1, 0.21, 0.15, 0.27, True],
            [family, other, 1.0, 0.30, 0.4, 1.5, None, None, None, None],
            [family, other, 4.0, 0.29, 0.4, 6.0, -0.01, -0.05, 0.03, False],
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS["budgets"]))


def _readings(families: Suite, say: str) -> pd.DataFrame:
    """The second method of each family in two other readings, of which one is not described, and in one it declined."""
    rows: list[list[Any]] = []
    for family, what in families.items():
        own = [family, what["tasks"][0], what["methods"][1]]
        rows += [
            [*own, "sign", "positive", 0.41, -0.2, -0.3, -0.1, 3.0, 2.0, 5, 0],
            [*own, "sign", f"odd{say}", 0.61, 0.0, None, None, 2.0, 2.0, 5, 0],
            [*own, "target", "loss", None, None, None, None, None, 2.0, 5, 3],
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS["readings"]))


def _failures(families: Suite) -> pd.DataFrame:
    """In each family one method that declined and one that failed on three seeds; in the last one a time-out."""
    rows: list[list[Any]] = []
    for family, what in families.items():
        task, (_, declines, fails, *_) = what["tasks"][0], [*what["methods"]]
        command = f"touchstone run --task {task} --method {fails} --profile smoke"
        rows.append([family, task, "standard", declines, 0, "unsupported", "GELU is treated as linear", None])
        rows += [[family, task, "top", fails, seed, "failed", HOSTILE, command] for seed in range(3)]
    rows.append([family, task, "standard", declines, 4, "timeout", "over 60 s", command])
    return pd.DataFrame(rows, columns=list(COLUMNS["failures"]))


def _plugins(families: Suite, say: str) -> dict[tuple[str, str | None, str], About]:
    """What every plugin says of itself; `say` is added to each text."""
    found: dict[tuple[str, str | None, str], About] = {}
    for family, what in families.items():
        found["family", None, family] = About(
            f"What is asked of {family}.", options={"readings": {"sign": {"positive": f"only what speaks for it{say}"}}}
        )
        for task in what["tasks"]:
            found["task", family, task] = About(
                f"A question about {task}, with its answer planted.{say}",
                f"arXiv:2102.12781{say}",
                f"A question about {task}.\n\nWhat is *used*: one block.{say}\n\n    steps    standard, top\n",
                parameters={"inputs": 100},
                options={"subject": task, "controls": [what["methods"][-1]], "primary": what["metrics"][0]},
            )
        for method in what["methods"]:
            found["method", family, method] = About(
                f"The {method.replace('_', ' ')} of a model & its inputs.{say}",
                f"arXiv:1706.03825{say}",
                f"The summary.\n\nA(x) = mean over k of  f(x + e_k)\n\nOn `samples`.{say}\n\n- one\n- two\n",
                parameters={"samples": 8, "noise": say or 0.1},
                defaults={"samples": 32, "noise": say or 0.1},
                options={"requires": ["targets"], "budget": "samples", "tunable": {"noise": [0.1, 0.2]}},
            )
        for name in REFERENCES:
            found["reference", family, name] = About(f"The {name} explanation.{say}")
        for metric in what["metrics"]:
            options = {"direction": "none" if metric in BARE else "higher"}
            about = About(f"Share of {metric} that is right, in [0, 1].{say}", "doi:10.1000/182", options=options)
            found["metric", family, metric] = about
    return found


def _pictures(families: Suite, folder: Path, say: str) -> list[PagePicture]:
    """A picture of all methods for each task, a grid of single ones for each family's first, one of the family."""
    wide, square = picture(folder / "wide.png"), picture(folder / "square.png", 300, 300)
    found = []
    for family, what in families.items():
        for task in what["tasks"]:
            caption = f'What "each" method marks <b>here</b>.{say}'
            found.append(PagePicture(family, task, "examples", f"Three inputs{say}", caption, wide))
        for method in [*what["methods"], "oracle", "random"]:
            caption = f"The first inputs, and what the method marked.{say}"
            found.append(PagePicture(family, what["tasks"][0], method, method, caption, square, method))
        found.append(PagePicture(family, "", "overview", "Overview", "All tasks of the family", wide))
    return found


def fake_board(folder: Path, families: Suite = FAMILIES, *, seeds: int = 5, say: str = "") -> Board:
    """The whole board of `families`; its pictures are written into `folder`, and every plugin adds `say`."""
    rng = np.random.default_rng(0)
    ranks, tasks, variants = [], [], []
    for family, what in families.items():
        ranks += _ranked(family, what["methods"], rng, len(what["tasks"]), seeds)
        for task in what["tasks"]:
            tasks += [row | {"task": task} for row in _ranked(family, what["methods"], rng, 1, seeds)]
            for variant in VARIANTS[:-1]:
                own = _ranked(family, what["methods"], rng, 1, seeds)
                variants += [row | {"task": task, "variant": variant} for row in own]
    subjects = list(dict.fromkeys(task for what in families.values() for task in what["tasks"]))
    notes: dict[str, dict[str, Any]] = {
        family: {"resolution": 0.07 + 0.01 * n, "clusters": 5 * (n + 1)} for n, family in enumerate(families)
    }
    return Board(
        profile="smoke",
        title="An invented board; it means nothing",
        leaderboard=pd.DataFrame(ranks),
        tasks=pd.DataFrame(tasks),
        variants=pd.DataFrame(variants),
        metrics=_metrics(families, rng, seeds),
        budgets=_budgets(families),
        readings=_readings(families, say),
        dials=_dials(families),
        marks=_marks(families),
        agreement=_agreement(families),
        claims=_claims(),
        certificates=_certificates(subjects, seeds),
        measured=_measured(),
        failures=_failures(families),
        provenance={
            "finished": "2026-01-31T12:00:00+00:00",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "dirty": True,
            "configuration": {
                "seeds": seeds,
                "tasks": {f"task_{n}": {"inputs": 100, "variants": ["a", "b"]} for n in range(20)},
            },
            "configuration_hash": "sha256:1f2e3d",
            "versions": {"python": "3.11.9", "torch": "2.13.0", "numpy": "2.3.1"},
            "hardware": {"processor": "Example CPU 3000", "cores": 8, "memory_gb": 15.5, "gpus": []},
            "duration_seconds": {"train": 4000.0, "explain": 300.0, "score": 21.0, "total": 4321.0},
        },
        plugins=_plugins(families, say),
        pictures=_pictures(families, folder, say),
        notes=notes | {"tiny": {}},
        left_out=["Six of eight variants", "Othello is trained on a tenth of the games; `full_size` trains on all."],
    )
