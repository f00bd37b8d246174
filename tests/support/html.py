"""Reading pages as a browser would: tags, text, tables, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "wbr", "input"}


@dataclass
class Table:
    """A table with its rows of cells as text; `data` holds their data-v, `classes` their class."""

    attributes: dict[str, str | None]
    rows: list[list[str]] = field(default_factory=list)
    data: list[list[str]] = field(default_factory=list)
    classes: list[list[str]] = field(default_factory=list)

    @property
    def head(self) -> list[str]:
        """The headings, those of pictures empty."""
        return self.rows[0]

    @property
    def lines(self) -> list[dict[str, str]]:
        """The rows below the head that have all columns, by heading."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows[1:] if len(row) == len(self.head)]


class Reader(HTMLParser):
    """Collects tags, attributes, words and tables, and checks that what is opened is closed."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.joined = False
        self.tables: list[Table] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = dict(attrs)
        self.tags.append((tag, own))
        self.joined = tag == "wbr"
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(Table(own))
        elif tag == "tr":
            for part in (self.tables[-1].rows, self.tables[-1].data, self.tables[-1].classes):
                part.append([])
        elif tag in ("td", "th"):
            self.tables[-1].rows[-1].append("")
            self.tables[-1].data[-1].append(own.get("data-v") or "")
            self.tables[-1].classes[-1].append(own.get("class") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag
        if tag in ("td", "th"):
            self.tables[-1].rows[-1][-1] = " ".join(self.tables[-1].rows[-1][-1].split())

    def handle_data(self, data: str) -> None:
        if self.joined:
            self.words[-1] += data
            self.joined = False
        elif not {"script", "style"} & set(self.open):
            self.words.append(data)
        if {"td", "th"} & set(self.open) and "svg" not in self.open:
            self.tables[-1].rows[-1][-1] += data

    @property
    def text(self) -> str:
        """All words, with single spaces."""
        return " ".join(" ".join(self.words).split())

    @property
    def ids(self) -> list[str]:
        """All places."""
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """Tag and address of everything that leads or loads."""
        names = ("href", "src", "srcset", "data", "action", "poster", "xlink:href")
        return [(tag, str(own[name])) for tag, own in self.tags for name in names if own.get(name) is not None]

    def table(self, identifier: str) -> Table:
        """The table with this id."""
        return next(table for table in self.tables if table.attributes.get("id") == identifier)
