"""Sparse features that fire under others."""
