"""The four stages of the workflow, one module each: train, explain, score, publish."""
