"""An invented board: four families with everything that is awkward to show."""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmark.site import About, Board, PagePicture
from benchmark.site.board import COLUMNS

NAN = math.nan
HOSTILE = "got <script>alert('x')</script> & \"quotes\" | pipes, `ticks` and *stars*\nin two lines"

FAMILIES: dict[str, dict[str, list[str]]] = {
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
REFERENCES = ["oracle", "inverted", "random"]


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


def _ranked(family: str, methods: list[str], rng: np.random.Generator, tasks: int) -> list[dict[str, Any]]:
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
                "p_value": p_value, "tasks": tasks, "seeds": 5,
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
    if family in ("attribution", "dictionary"):
        rows[-1] |= {"specialist": True, "tasks": 1, "rank_low": NAN, "rank_high": NAN}
    rows[-2] |= {"ci_low": NAN, "ci_high": NAN, "p_value": NAN, "wide_low": NAN, "wide_high": NAN, "wide_over": None}
    if family not in TWINNED:
        for row in rows:
            row |= {key: NAN for key in row if "above_untrained" in key} | {"beats_untrained": None}
    for method, skill in zip(REFERENCES, (1.0, -3.4, 0.0), strict=True):
        rows.append(
            rows[0]
            | {"method": method, "skill": skill, "ci_low": skill, "ci_high": skill, "rank_low": NAN, "rank_high": NAN}
            | {
                "beats_blind": None,
                "beats_random": None,
                "p_value": NAN,
                "failures": 0,
                "unsupported": 0,
                "reference": True,
            }
            | {"seconds": NAN, "model_calls": NAN, "peak_memory_mb": NAN}
        )
    return rows


def _metrics(rng: np.random.Generator) -> pd.DataFrame:
    rows = []
    for family, what in FAMILIES.items():
        for task in what["tasks"]:
            for variant in ("standard", "top", "untrained"):
                for metric in what["metrics"]:
                    scale = {"queries_used": 2500.0, "l0": 12.0, "normalised_error": 1e-5}.get(metric, 1.0)
                    bare = metric in ("l0", "queries_used")
                    for place, method in enumerate(what["methods"] + REFERENCES):
                        rows.append(
                            {
                                "family": family, "task": task, "variant": variant, "method": method, "metric": metric,
                                "primary": metric == what["metrics"][0], "mean": scale * float(rng.uniform(-0.1, 1)),
                                "spread": NAN if place == 3 else scale * 0.1 * rng.random(),
                                "floor": NAN if bare else scale * 0.1,
                                "blind": NAN if bare or variant == "top" else scale * 0.3,
                                "ceiling": NAN if bare else 1.0 * scale, "n": 4 if place == 1 else 5,
                            }
                        )  # fmt: skip
    return pd.DataFrame(rows)


def _marks() -> pd.DataFrame:
    rows: list[list[Any]] = []
    for family, what in FAMILIES.items():
        for task in what["tasks"]:
            rows.append([family, task, "standard", 0.1, 0.3, "edge_detector", 1.0, 7 / 9, True, ""])
            rows.append([family, task, "top", 0.1, NAN, "", 1.0, 1.0, True, ""])
            rows.append([family, task, "untrained", 0.1, 0.3, "edge_detector", 1.0, 7 / 9, False, HOSTILE])
    return pd.DataFrame(rows, columns=list(COLUMNS["marks"]))


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


def _certificates() -> pd.DataFrame:
    rows = []
    for subject in ("blockmnist", "othello", "superposition"):
        for check, threshold, at_least in (
            ("accuracy", 0.9, True),
            ("flips_with_feature", 0.95, True),
            ("decoy_effect", 0.05, False),
        ):
            for seed in range(5):
                value = 0.96 + seed / 100 if at_least else 0.01 * seed
                if (subject, check, seed) == ("othello", "flips_with_feature", 3):
                    value = 0.41
                passed = value >= threshold if at_least else value <= threshold
                rows.append([subject, seed, check, value, threshold, passed, at_least])
    return pd.DataFrame(rows, columns=list(COLUMNS["certificates"]))


def _measured() -> pd.DataFrame:
    rows = [["othello", seed, "surplus_loss", 0.02 + seed / 100] for seed in range(5)]
    rows += [["blockmnist", seed, "accuracy <under> attack", 0.5] for seed in range(3)]
    return pd.DataFrame(rows, columns=list(COLUMNS["measured"]))


def _dials() -> pd.DataFrame:
    """Two methods on one dial; one of them breaks down."""
    rows = [
        ["dictionary", "superposition", "ratio", "topk", "standard", "top", "standard 0.90, top 0.02"],
        ["dictionary", "superposition", "ratio", "relu_l1", "top", "", "standard 0.80, top 0.50"],
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["dials"]))


def _budgets() -> pd.DataFrame:
    """Two learned methods of the dictionary family at two budgets; one of them still rises."""
    rows: list[list[Any]] = [
        ["dictionary", "topk", 1.0, 0.31, 0.4, 1.5, None, None, None, None],
        ["dictionary", "topk", 4.0, 0.52, 0.6, 6.1, 0.21, 0.15, 0.27, True],
        ["dictionary", "relu_l1", 1.0, 0.30, 0.4, 1.5, None, None, None, None],
        ["dictionary", "relu_l1", 4.0, 0.29, 0.4, 6.0, -0.01, -0.05, 0.03, False],
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS["budgets"]))


def _failures() -> pd.DataFrame:
    command = "touchstone run --task {} --method {} --profile smoke"
    rows: list[list[Any]] = [
        [
            "attribution",
            "blockmnist",
            "top",
            "smoothgrad",
            seed,
            "failed",
            HOSTILE,
            command.format("blockmnist", "smoothgrad"),
        ]
        for seed in (0, 1, 2)
    ]
    rows.insert(
        0, ["attribution", "blockmnist", "standard", "deep_lift", 0, "unsupported", "GELU is treated as linear", None]
    )
    rows.append(
        [
            "description",
            "numeric_functions",
            "standard",
            "symbolic_regression",
            4,
            "timeout",
            "over 60 s",
            command.format("a", "b"),
        ]
    )
    return pd.DataFrame(rows, columns=list(COLUMNS["failures"]))


def fake_board(folder: Path) -> Board:
    """The whole board; its two pictures are written into `folder`."""
    rng = np.random.default_rng(0)
    ranks, tasks = [], []
    plugins: dict[tuple[str, str | None, str], About] = {}
    for family, what in FAMILIES.items():
        ranks += _ranked(family, what["methods"], rng, len(what["tasks"]))
        for task in what["tasks"]:
            tasks += [row | {"task": task} for row in _ranked(family, what["methods"], rng, 1)]
            plugins["task", family, task] = About(
                f"A question about {task}, with its answer planted.", "arXiv:2102.12781"
            )
        for method in what["methods"]:
            plugins["method", family, method] = About(
                f"The {method.replace('_', ' ')} of a model & its inputs.", "arXiv:1706.03825"
            )
        for name in REFERENCES:
            plugins["reference", family, name] = About(f"The {name} explanation.")
        for metric in what["metrics"]:
            plugins["metric", family, metric] = About(f"Share of {metric} that is right, in [0, 1].", "doi:10.1000/182")
    first = picture(folder / "first.png")
    return Board(
        profile="smoke",
        title="An invented board; it means nothing",
        leaderboard=pd.DataFrame(ranks),
        tasks=pd.DataFrame(tasks),
        metrics=_metrics(rng),
        budgets=_budgets(),
        dials=_dials(),
        marks=_marks(),
        claims=_claims(),
        certificates=_certificates(),
        measured=_measured(),
        failures=_failures(),
        provenance={
            "finished": "2026-01-31T12:00:00+00:00",
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "dirty": True,
            "configuration": {
                "seeds": 5,
                "tasks": {f"task_{n}": {"inputs": 100, "variants": ["a", "b"]} for n in range(20)},
            },
            "configuration_hash": "sha256:1f2e3d",
            "versions": {"python": "3.11.9", "torch": "2.13.0", "numpy": "2.3.1"},
            "hardware": {"processor": "Example CPU 3000", "cores": 8, "memory_gb": 15.5, "gpus": []},
            "duration_seconds": {"train": 4000.0, "explain": 300.0, "score": 21.0, "total": 4321.0},
        },
        plugins=plugins,
        pictures=[
            PagePicture(
                "attribution", "blockmnist", "examples", "Three inputs", 'What "each" method marks <b>here</b>.', first
            ),
            PagePicture(
                "attribution", "blockmnist", "scores", "Scores", "By variant", picture(folder / "second.png", 300, 300)
            ),
            PagePicture("dictionary", "", "overview", "Overview", "All tasks of the family", first),
        ],
        notes={family: {"resolution": 0.07 + 0.01 * n, "clusters": 5 * (n + 1)} for n, family in enumerate(FAMILIES)}
        | {"tiny": {}},
        left_out=["Six of eight variants", "Othello is trained on a tenth of the games; `full_size` trains on all."],
    )
