"""Where everything lies under the working directory: one place that knows the paths.

results/<profile>/subjects/<subject>/<seed>/        weights.safetensors, public.safetensors, subject.json
results/<profile>/explanations/<task>/<method>/     <variant>.<seed>.safetensors, cell.json
results/<profile>/scores/<task>.parquet             and <task>.json beside it; pictures in
results/<profile>/pictures/<task>/
results/<profile>/published.json                    vouches for
leaderboard/<profile>/                              what is published
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths of one profile's run."""

    profile: str
    base: Path = field(default_factory=Path)

    @property
    def results(self) -> Path:
        """All that can be computed again."""
        return self.base / "results" / self.profile

    @property
    def leaderboard(self) -> Path:
        """What is published."""
        return self.base / "leaderboard" / self.profile

    def subject(self, name: str, seed: int | None = None) -> Path:
        """A subject's folder, or that of one of its seeds."""
        folder = self.results / "subjects" / name
        return folder if seed is None else folder / str(seed)

    def subject_index(self, name: str) -> Path:
        """Lists a subject's seeds; downstream jobs depend on it."""
        return self.subject(name) / "index.json"

    def explanations(self, task: str) -> Path:
        """All cells of a task."""
        return self.results / "explanations" / task

    def cell(self, task: str, method: str) -> Path:
        """One cell."""
        return self.explanations(task) / method

    def explain_index(self, task: str, batch: int) -> Path:
        """Lists the cells of one explain job."""
        return self.explanations(task) / f"batch-{batch}.json"

    def scores(self, task: str) -> Path:
        """A task's rows in the long format."""
        return self.results / "scores" / f"{task}.parquet"

    def score_index(self, task: str) -> Path:
        """Vouches for a task's rows and pictures."""
        return self.results / "scores" / f"{task}.json"

    def calibration(self, task: str, label: str) -> Path:
        """Floors and ceilings of one instance."""
        return self.results / "calibration" / task / f"{label}.json"

    def pictures(self, task: str) -> Path:
        """A task's pictures for the page."""
        return self.results / "pictures" / task

    @property
    def published(self) -> Path:
        """Vouches for the published files; it lies with the results, for the published files are part of a checkout."""
        return self.results / "published.json"

    def indexes(self) -> list[Path]:
        """Every index that exists."""
        patterns = ("subjects/*/index.json", "explanations/*/batch-*.json", "scores/*.json", "published.json")
        return [path for pattern in patterns for path in sorted(self.results.glob(pattern))]
