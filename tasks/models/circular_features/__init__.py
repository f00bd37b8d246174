"""Sparse features of several dimensions, such as circles, in fewer dimensions than they need."""
