"""What cannot hold for a plugin, with the reason: ("kind:family/name", name of the check) -> reason."""

_ALONE = "it answers alone as in company"
_BATCH = "dictionaries train as one batch, and its matrix products round otherwise than one alone"

_ADAM = "the optimiser steps all dictionaries of a batch in one pass, and rounds an entry by its place in it"
_LEARNED = (
    *(
        "gated",
        "gated_p_anneal",
        "batch_topk",
        "matryoshka_batch_topk",
        "jump_relu",
        "archetypal",
        "relaxed_archetypal",
    ),
    *("matching_pursuit", "icfl", "frozen_decoder", "crosscoder", "batch_topk_crosscoder"),
)

EXPECTED: dict[tuple[str, str], str] = {
    ("method:dictionary/topk", _ALONE): _BATCH,
    ("method:dictionary/relu_l1", _ALONE): _BATCH,
    ("method:dictionary/p_anneal", _ALONE): _BATCH,
    **{(f"method:dictionary/{name}", _ALONE): _ADAM for name in _LEARNED},
}
