"""The board's pictures: their published names and sizes, and which belong together.

Pictures of single methods with one caption are one grid; it is said once.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import TouchstoneError
from benchmark.families.family import DATA
from benchmark.site import text
from benchmark.site.board import PagePicture

PNG = b"\x89PNG\r\n\x1a\n"
TRUTH = "oracle"
"""The reference whose explanation is the planted truth."""
FIRST = (TRUTH, "random")


@dataclass(frozen=True)
class Image:
    """A picture with its published file name and its size in pixels."""

    picture: PagePicture
    file: str
    width: int
    height: int

    def fitted(self, height: int) -> tuple[int, int]:
        """Its width and height in pixels, scaled down to a height."""
        share = min(1.0, height / max(1, self.height))
        return round(self.width * share), round(self.height * share)

    @property
    def alt(self) -> str:
        """What a reader who cannot see it is told."""
        about = f"{self.picture.method}, " if self.picture.method else ""
        return about + ": ".join(part for part in (self.picture.title, self.picture.caption) if part)


@dataclass(frozen=True)
class Gallery:
    """Pictures under one caption: of one method each, or one of all."""

    caption: str
    images: list[Image]

    @property
    def single(self) -> bool:
        """Whether each shows one method alone."""
        return bool(self.images[0].picture.method)


def published(pictures: Sequence[PagePicture]) -> list[Image]:
    """All pictures, each read for its size.

    Raises:
        TouchstoneError: a file is no PNG, or two pictures share a name.
    """
    found = [_image(picture) for picture in pictures]
    names = [image.file for image in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TouchstoneError(f"two pictures of the board are called {twice!r}; their names must differ within a task")
    return found


def galleries(images: Sequence[Image], order: Sequence[str] = ()) -> list[Gallery]:
    """Pictures of all methods in their order, each by itself; then grids of single methods, one a caption.

    The picture of the data stands elsewhere. In a grid the truth comes first, then chance, then the methods in `order`.
    """
    place = {name: at for at, name in enumerate([*FIRST, *(name for name in order if name not in FIRST)])}
    grids: dict[str, list[Image]] = {}
    for image in images:
        if image.picture.method:
            grids.setdefault(image.picture.caption, []).append(image)
    for grid in grids.values():
        grid.sort(key=lambda image: place.get(image.picture.method, len(place)))
    whole = [
        Gallery(image.picture.caption, [image])
        for image in images
        if not image.picture.method and image.picture.name != DATA
    ]
    return whole + [Gallery(caption, grid) for caption, grid in grids.items()]


def of_data(images: Sequence[Image]) -> Image | None:
    """The picture in which the data and what is planted in them are best seen: the family's own, that of the truth
    alone, else the first of all methods, in which the truth stands too."""
    own = [image for image in images if image.picture.name == DATA]
    alone = [image for image in images if image.picture.method == TRUTH]
    whole = [image for image in images if not image.picture.method]
    return next(iter([*own, *alone, *whole]), None)


def _image(picture: PagePicture) -> Image:
    with Path(picture.path).open("rb") as stream:
        head = stream.read(24)
    if head[:8] != PNG or len(head) < 24:
        raise TouchstoneError(f"the board's picture {picture.path} is no PNG file (got the bytes {head[:8]!r})")
    width, height = struct.unpack(">II", head[16:24])
    return Image(picture, text.slug(picture.family, picture.task, picture.name) + ".png", width, height)
