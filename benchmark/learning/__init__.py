"""Training loops that methods and metrics share, batched wherever models differ only in their data."""
