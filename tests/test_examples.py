"""The notebooks in `examples/` run from the first cell to the last, in a kernel."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.workflow
def test_score_my_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(EXAMPLES / "score_my_method.ipynb", as_version=4)
    assert len(notebook.cells) == 10
    kept = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in kept), "for those who only read it"
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    NotebookClient(notebook, timeout=1200, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [data.get("text/html", "") for data in outputs]
    skills = [text for text in shown if "skill" in text and "function_recovery over 2 ranked variants" in text]
    assert len(skills) == 2
    assert {path.name for path in (tmp_path / "results" / "smoke" / "notebook" / "explanations").iterdir()} == {
        "description.numeric_functions"
    }
