"""Two models with features in common, weakened features, and features of their own."""
