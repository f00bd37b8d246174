"""The families of tasks: what a method of each sees, what it must return, and what its references are. One module a family."""
