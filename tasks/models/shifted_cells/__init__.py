"""Nets that add up what some cells show: a cell is important where it is read and shows more than it usually does."""
