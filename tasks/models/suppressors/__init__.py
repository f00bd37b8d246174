"""Nets that use a column which says nothing by itself: it takes away the noise of another one."""
