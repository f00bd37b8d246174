"""A cheat: send the engine a record of one's own, with scores in it and in the name of others."""

from __future__ import annotations

import gc
from contextlib import suppress

from methods.attribution._spoils import answer

from benchmark.families.attribution import attribution_method

BOASTS = {"skill": 1.0, "value": 1.0, "values": {"rank_accuracy": 1.0}, "outcome": {"status": "ok"}, "key": "forged"}
NAMES = {"method": "gradient", "name": "gradient", "metric": "rank_accuracy", "task": "attribution.blockmnist"}
NUMBERS = (-1, 1, 10**9, "0", "../gradient/standard.0", None, True, 0)


@attribution_method(cites="a test")
def forger(question):
    """Send forged records, the one that counts last; then answer like the control."""
    honest = answer(question, None)
    gc.unfreeze()
    for send in [one for one in gc.get_objects() if type(one).__name__ == "Send"]:
        for number in NUMBERS:
            record = {"number": number, "status": "ok", "reason": "", "seconds": -1.0, "plain": {}, **BOASTS, **NAMES}
            with suppress(Exception):
                send(record, {"attributions": honest})
    return honest
