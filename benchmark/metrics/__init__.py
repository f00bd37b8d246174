"""The metrics, a folder for each family, one file each."""
