"""Where everything lies: one place that knows the paths and the addresses in the store.

results/<profile>/subjects/<subject>/<seed>/subject.json       with subject.weights and subject.public .safetensors
                  explanations/<task>/<method>/<label>.json     with <label>.safetensors
                  values/<task>/<method>/<label>.json           what every metric measured of it
                  scores/<task>.parquet                         and <task>.json
                  pictures/<task>/<name>.json                   with <name>.png, and pictures/<task>.json
                  {subjects/<subject>,explanations/<task>}/batch-<n>.json   ends a job, and vouches for what it made
                  published.json                                vouches for
leaderboard/<profile>/                                          what is published

`label` is `<variant>.<seed>`. Paths are absolute: no plugin that changes the working directory moves them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The paths of one profile's run, or of a part of it."""

    profile: str
    base: Path = field(default_factory=Path.cwd)
    part: str = ""
    """Which part of the profile runs ("attribution"); empty for all of it."""

    @property
    def results(self) -> Path:
        """All that can be computed again; runs of parts share it."""
        return self.base / "results" / self.profile

    @property
    def leaderboard(self) -> Path:
        """What is published; a part of a profile has a folder of its own, so that it replaces no whole board."""
        return self.base / "leaderboard" / (f"{self.profile}+{self.part}" if self.part else self.profile)

    def subject(self, name: str, seed: int) -> str:
        """The address of one seed of a subject."""
        return f"subjects/{name}/{seed}/subject"

    def explanation(self, task: str, method: str, label: str) -> str:
        """The address of one method's explanation of one instance."""
        return f"explanations/{task}/{method}/{label}"

    def values(self, task: str, method: str, label: str) -> str:
        """The address of what was measured of it."""
        return f"values/{task}/{method}/{label}"

    def picture(self, task: str, name: str) -> str:
        """The address of a picture."""
        return f"pictures/{task}/{name}"

    def train_index(self, subject: str, batch: int | str) -> Path:
        """Ends a training job."""
        return self.results / "subjects" / subject / f"batch-{batch}.json"

    def explain_index(self, task: str, batch: int | str) -> Path:
        """Ends an explain job."""
        return self.results / "explanations" / task / f"batch-{batch}.json"

    def scores(self, task: str) -> Path:
        """A task's rows in the long format."""
        return self.results / "scores" / f"{task}.parquet"

    def score_index(self, task: str) -> Path:
        """Vouches for a task's rows."""
        return self.results / "scores" / f"{task}.json"

    def picture_index(self, task: str) -> Path:
        """Lists a task's pictures."""
        return self.results / "pictures" / f"{task}.json"

    @property
    def published(self) -> Path:
        """Vouches for the published files; it lies with the results, for the published files are part of a checkout."""
        return self.results / (f"published+{self.part}.json" if self.part else "published.json")

    def indexes(self) -> list[Path]:
        """Every index that exists."""
        patterns = (
            *("subjects/*/batch-*.json", "explanations/*/batch-*.json"),
            *("scores/*.json", "pictures/*.json", "published*.json"),
        )
        return [path for pattern in patterns for path in sorted(self.results.glob(pattern))]
