"""The tests, laid out as what they test; `support` holds what several of them need.

While they run, every call into the packages that `--jaxtyping-packages` names in pyproject.toml must keep the types and
shapes it declares: `checked` is the checker.
"""

import os

from beartype import BeartypeConf, beartype

# a process that has run several threads cannot be forked into one that runs several: its child would wait for ever
os.environ.setdefault("OMP_NUM_THREADS", "1")
checked = beartype(conf=BeartypeConf(is_pep484_tower=True))  # an int is a float, as PEP 484 has it
