"""The honest one beside the cheats: it asks nothing and says nothing."""

from __future__ import annotations

from benchmark.families.description import Description, description_method

NOTHING = Description("Nothing is known.", "0")


@description_method(cites="a test")
def silent(question):
    """The same for every box."""
    return [NOTHING for _ in question.boxes]
