"""Another version of a library, as far as its metadata says so."""

from __future__ import annotations

from pathlib import Path


def pretended(folder: Path, name: str, version: str) -> Path:
    """Write the metadata of a library's version; in front in `sys.path`, the folder hides that of the real one."""
    information = folder / f"{name}-{version}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (information / "RECORD").write_text(f"{name}/__init__.py,,\n")
    return folder
