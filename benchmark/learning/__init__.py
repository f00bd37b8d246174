"""Training that methods and metrics share: many small models of one kind, trained as one stack."""
