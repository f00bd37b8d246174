pictures=None
