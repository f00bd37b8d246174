"""The parts of the small transformer."""
