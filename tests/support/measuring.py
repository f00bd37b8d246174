"""Several metrics of one explanation as the score stage flattens them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmark.scores import Metric, Values, flat, measured


def measure(metrics: Sequence[Metric], explanation: Any, truth: Any, question: Any) -> Values:
    """All numbers by their full name; what is unsupported has none, and a failure is an error."""
    outcomes = {metric.name: measured(metric, explanation, truth, question) for metric in metrics}
    failed = [f"{name}: {outcome['reason']}" for name, outcome in outcomes.items() if outcome["status"] == "failed"]
    assert not failed, failed
    return flat(outcomes)
