"""Words with several senses, of which the context decides."""
