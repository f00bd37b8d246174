"""What the leaderboard may say: skill, intervals, tests against chance, rank intervals.

The scores of a family form a grid, method x instance, an instance being one (task, variant, seed). A method's skill is
the mean over its tasks of the mean over seeds of the mean over ranked variants of the primary metric's skill.

Every statement is about *another set of seeds on these same tasks*: seeds are a sample, tasks are not. Nothing here
says how a method would do on tasks that are not in the suite. The unit that varies is the cluster, one seed of one task
with all its variants; methods meet the same clusters, so two methods are compared by the differences of their scores,
cluster by cluster.

    rows         long table -> `Grid`: failures at the floor, unsupported left out
    intervals    `estimate`: means with intervals that hold with three seeds (and the measured coverage)
    comparisons  tests against chance, pairwise differences, rank intervals, the smallest difference that shows
"""
