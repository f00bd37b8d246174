"""How the compiled loops of training are built."""

from __future__ import annotations

import numba

# Sums may be taken in any order, which lets the loops use vector instructions; NaN keeps its meaning.
compiled = numba.njit(nogil=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
