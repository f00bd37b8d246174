"""Training loops that plugins share. Each trains many small models as one batch."""
