"""Hand-written networks of gates, every edge known."""
