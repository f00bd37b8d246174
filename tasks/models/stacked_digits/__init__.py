"""Classifiers of images that stack a low and a high digit, of which they name one."""
