"""What the leaderboard may say: skill, intervals, tests against blind, rank intervals.

The scores of a family form a grid, method x instance, an instance being one (task, variant, seed). A method's skill is
the mean over its tasks of the mean over seeds of the mean over ranked variants of the primary metric's skill.

Two questions are asked of that mean. **Would it hold for other seeds** of these same variants and tasks? That is what
tests and ranks are about; the unit is the draw, one seed of one subject with all its tasks and variants. Methods meet
the same draws, so two methods are compared by the differences of their scores. **Would it hold for other questions**
like these? That interval is wider, and with few tasks very wide.

    rows         long table -> `Grid`: failures at the floor, unsupported left out
    nesting      which instances share a seed, a task, a subject
    intervals    `estimate`: means with intervals that hold with few seeds and skewed scores (and the measured coverage)
    wide         `over_questions`: the interval over variants and tasks
    signs        the smallest p-value that so many seeds support
    comparisons  tests against blind, pairwise differences, rank intervals (and the measured false discoveries)
    budgets      skill at several budgets, and what is still rising
    simulation   the measurements
"""
