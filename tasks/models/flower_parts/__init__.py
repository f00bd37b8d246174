"""Drawn flowers, of which a net names the colour or the shape of one part."""
