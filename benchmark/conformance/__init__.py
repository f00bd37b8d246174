"""The checks that every plugin of a kind must pass, for `touchstone check` and for the tests.

    findings(find_plugin("attribution/smoothgrad")) -> Finding(name, passed, detail), ...
    find_plugin("metric:attribution/auroc")           a kind in front where a name alone is ambiguous; or a file

Each check has a name and a reason, and looks at what a plugin does, never at the way it is written. Methods, metrics
and references are checked on the trivial problem of their family, whose answer is known in closed form, subjects and
tasks at the small sizes that they declare. What cannot hold is in one table with its reason (`expected.py`).
"""

from benchmark.conformance.checks import Finding
from benchmark.conformance.suite import check_plugin, find_plugin, findings

__all__ = ["Finding", "check_plugin", "find_plugin", "findings"]
