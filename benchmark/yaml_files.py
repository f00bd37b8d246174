"""Reading of YAML files that people write: plain values only, and nothing in a file can cost more than a moment.

    read_yaml(path) -> None, text, number, truth value, list or mapping

As `yaml.safe_load`, but a key given twice is an error and not silently the last one, keys are text, `1e-3` is a number
(YAML 1.1 reads it as text), and what has no place in settings is refused where it stands: tags, dates, nesting beyond
`DEPTH`, numbers of more than `DIGITS` characters, and more than `VALUES` values, each alias counted as what it stands
for (so that nine lines of aliases cannot mean a billion values).
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.events import AliasEvent
from yaml.nodes import MappingNode, ScalarNode

BYTES = 100_000
VALUES = 5_000
DEPTH = 20
DIGITS = 64
_TAG = "tag:yaml.org,2002:"
_NUMBERS = {_TAG + "int", _TAG + "float"}
_PLAIN = {*_NUMBERS, *(_TAG + name for name in ("str", "bool", "null", "seq", "map"))}


class _Loader(yaml.SafeLoader):
    """Plain values only, counted while they are read."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.values = 0
        self.sizes: dict[str | None, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node, refused as soon as it asks for too much."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        before = self.values
        if isinstance(event, AliasEvent):
            if event.anchor in self.anchors and event.anchor not in self.sizes:
                raise _refusal(f"*{event.anchor} stands inside of what it stands for", event)
            self.values += self.sizes.get(event.anchor, 0)
        elif event.tag is not None:
            raise _refusal(f"got the tag {event.tag!r:.80}, expected plain values without tags", event)
        self.values += 1
        self.depth += 1
        if self.values > VALUES:
            raise _refusal(f"the file stands for more than {VALUES} values", event)
        if self.depth > DEPTH:
            raise _refusal(f"values are nested more than {DEPTH} deep", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if event.anchor is not None and not isinstance(event, AliasEvent):
            self.sizes[event.anchor] = self.values - before
        if isinstance(node, ScalarNode):
            _check_scalar(node, key=isinstance(parent, MappingNode) and index is None)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """The mapping as it is written, refused if a key is no text or occurs twice."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.tag not in (_TAG + "str", _TAG + "merge"):
                got = repr(key.value)[:80] if isinstance(key, ScalarNode) else f"a {key.id}"
                raise _refusal(f"got the key {got}, expected text (put it in quotes)", key)
            if key.value in seen:
                raise _refusal(f"the key {key.value!r:.80} is given twice", key)
            seen.add(key.value)
        return node


# YAML 1.2's form of a number with an exponent, which needs neither a point nor a sign
_Loader.add_implicit_resolver(
    _TAG + "float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def _check_scalar(node: ScalarNode, *, key: bool) -> None:
    if node.tag in _NUMBERS and len(node.value) > DIGITS:
        raise _refusal(f"got a number of {len(node.value)} characters, expected at most {DIGITS}", node)
    if node.tag not in _PLAIN and not key:
        kind = "a date" if node.tag == _TAG + "timestamp" else "a sign with a meaning of its own"
        raise _refusal(f"{node.value!r:.80} is read as {kind}; put it in quotes if it is text", node)


def _refusal(problem: str, where: Any) -> ComposerError:
    return ComposerError(None, None, problem, where.start_mark)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file of at most `BYTES` bytes.

    Raises:
        yaml.YAMLError: saying what is wrong with the file, with line and column where it is in the text.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise yaml.YAMLError("it is a folder or a device, expected a file")
        with path.open("rb") as file:
            content = file.read(BYTES + 1)
        if len(content) > BYTES:
            raise yaml.YAMLError(f"it has {path.stat().st_size} bytes, expected at most {BYTES}")
        if content.startswith(b"\xef\xbb\xbf"):
            raise yaml.YAMLError("it begins with a byte-order mark; save it as UTF-8 without one")
        return yaml.load(content.decode("utf-8"), Loader=_Loader)
    except OSError as error:
        raise yaml.YAMLError(f"it cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise yaml.YAMLError(f"it is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except (ValueError, ArithmeticError) as error:  # a number that only looks like one, such as 0b_
        raise yaml.YAMLError(f"it holds a number that cannot be read: {error!s:.80}") from None
