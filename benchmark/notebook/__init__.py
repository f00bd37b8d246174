"""Touchstone in a notebook: score what is being written there, before it is a file.

    import benchmark
    found = benchmark.evaluate(my_function, task="blockmnist", profile="smoke")
    found              draws itself: the marks as a table and a picture
    found.frame        the rows as a pandas data frame

`evaluation` is the notebook's side, which hands the method over (`handing`) to a process of its own (`__main__`), where
it goes through the stages of any run (`engine`); `result` is what comes back.
"""

from __future__ import annotations

from benchmark.notebook.evaluation import evaluate
from benchmark.notebook.result import Evaluation

__all__ = ["Evaluation", "evaluate"]
