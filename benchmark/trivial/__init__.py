"""Each family's trivial problem, its answer known in closed form: what `touchstone check` runs a method on.

A module `<family>.py` holds

    trivial(seed) -> (posed, truth)
    METRIC                             the metric by which a method is judged on it
    TEMPLATE                           what `touchstone new-method` fills into a method file
"""
