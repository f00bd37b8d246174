"""Parts that several models share; no model itself."""
