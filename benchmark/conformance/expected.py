"""What cannot hold for a plugin, with the reason: ("kind:family/name", name of the check) -> reason."""

EXPECTED: dict[tuple[str, str], str] = {}
