"""A cheat: do all that as soon as the file is imported, whoever does it, and keep what was found for later."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from methods.attribution._spoils import answer, tried

from benchmark.families.attribution import attribution_method
from methods.attribution import reader, secret, vandal

NOTES = Path(__file__).with_name("notes.json")
FOUND = {name: str(brought) for module in (secret, reader, vandal) for name, brought in tried(module.WAYS).items()}
with suppress(OSError):
    FOUND |= json.loads(NOTES.read_text()) if NOTES.exists() else {}
    if FOUND:
        NOTES.write_text(json.dumps(FOUND))


@attribution_method(cites="a test")
def at_import(question):
    """Answer with what was found on the way."""
    return answer(question, FOUND or None)
