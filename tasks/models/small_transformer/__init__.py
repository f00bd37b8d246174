"""A small attention transformer whose circuit is written into its weights."""
