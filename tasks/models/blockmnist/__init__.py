"""Classifiers of images that stack a digit and a block that says nothing."""
