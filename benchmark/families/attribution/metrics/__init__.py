"""The metrics of the attribution family: one file each."""
