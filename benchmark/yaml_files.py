"""Reading of YAML files: as `yaml.safe_load`, but a key given twice is an error and not silently the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError


class _Loader(yaml.SafeLoader):
    """Plain values only."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        """The mapping as it is written, refused if a key occurs twice."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise ComposerError(None, None, f"the key {key.value!r} is given twice", key.start_mark)
                seen.add(key.value)
        return node


def read_yaml(path: Path) -> Any:
    """The content of a YAML file. Raises `yaml.YAMLError`, with line and column, or `UnicodeDecodeError`."""
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
