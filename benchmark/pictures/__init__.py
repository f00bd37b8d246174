"""What the page shows of each family: a module `<family>.py` with `pictures(cases) -> list[Picture]`.

They are drawn in the score stage, from the explanations of the first seed. A change here redraws; it makes no
explanation stale.
"""
