"""The families of tasks, a module each: what a method sees, what it must return, and its references."""
