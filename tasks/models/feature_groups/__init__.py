"""A net whose outputs are sums over groups of columns that act together."""
