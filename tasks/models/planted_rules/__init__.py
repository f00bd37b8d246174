"""Nets with an output for each of several rules, each of which reads columns of its own among many that say nothing."""
