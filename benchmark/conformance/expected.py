"""What cannot hold for a plugin, with the reason: ("kind:family/name", name of the check) -> reason."""

_ALONE = "it answers alone as in company"
_BATCH = "dictionaries train as one batch, and its matrix products round otherwise than one alone"

EXPECTED: dict[tuple[str, str], str] = {
    ("method:dictionary/topk", _ALONE): _BATCH,
    ("method:dictionary/relu_l1", _ALONE): _BATCH,
    ("method:dictionary/p_anneal", _ALONE): _BATCH,
}
