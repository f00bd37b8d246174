"""Pictures of the dictionary family."""
from benchmark.families.base import Case, Picture
def pictures(cases): return []
