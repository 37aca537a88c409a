"""The templates as they are written: every way through them, also those that no test renders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import nodes

from server.web.pages import TEMPLATES
from tests.support.browser.pseudo_language import READ

FOLDER = Path(TEMPLATES.env.loader.searchpath[0])  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue, reportUnknownArgumentType, reportUnknownMemberType]
# The API's own description, which is English.
ENGLISH = {"docs.html"}
WORD = re.compile(r"[^\W\d_]{2}")
# Names of products, and what is an example of a value rather than a text.
NAMES = re.compile(r"Salesgraph|https?://\S*|Mon-Fri|KZT")

# Blocks and a macro that are filled with attributes.
IN_TAGS = {"page", "kind", "zone", "named", "cell"}


class Reader:
    """Reads a template from its beginning and keeps in mind whether it stands in a tag, in which attribute,
    and whether an element around it says that it holds data."""

    def __init__(self) -> None:
        self.tag, self.attribute, self.silent = "", "", list[str]()
        self.found: list[str] = []
        self.told: list[str] = []  # by attributes of the tag that it stands in

    def read(self, text: str) -> None:
        for piece in re.split(r"(<[/!a-zA-Z]|>|[\w-]+=\"|\")", text):
            if not piece:
                continue
            if re.match(r"<[/!a-zA-Z]$", piece):
                self.tag = piece
            elif self.tag and self.attribute and piece == '"':
                self.attribute = ""
            elif self.tag and not self.attribute and re.match(r'[\w-]+="$', piece):
                self.attribute = piece[:-2]
                self.tag += " " + piece
            elif self.tag and not self.attribute and piece == ">":
                self._ended()
            elif self.tag:
                self.tag += piece
                if self.attribute in READ:
                    self.judge(piece)
            else:
                self.judge(piece)

    def _ended(self) -> None:
        name = re.match(r"</?!?(\w*)", self.tag)
        called = name[1] if name else ""
        data = re.search(r'translate="no|lang="', self.tag) or called in ("code", "kbd", "pre", "script")
        if self.tag.startswith("</"):
            if self.silent and self.silent[-1] == called:
                self.silent.pop()
        elif called not in ("input", "meta", "link", "img", "html", "use", "line", "rect") and (
            data or self.silent
        ):
            self.silent.append(called) if data or called == self.silent[-1] else None
        if not data:
            self.found += self.told
        self.tag, self.told = "", []

    def judge(self, text: str) -> None:
        if not WORD.search(NAMES.sub("", text)):
            return
        if not self.tag and not self.silent:
            self.found.append(text.strip())
        elif self.tag and self.attribute in READ:
            self.told.append(text.strip())


def words_of(node: nodes.Node) -> Iterator[str]:
    """Texts that an expression shows as they stand: not what is asked of a function."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, nodes.CondExpr):
        yield from words_of(node.expr1)
        if node.expr2:
            yield from words_of(node.expr2)
    elif isinstance(node, nodes.Or | nodes.Add):
        yield from words_of(node.left)
        yield from words_of(node.right)
    elif isinstance(node, nodes.Concat):
        for each in node.nodes:
            yield from words_of(each)


def follow(body: list[nodes.Node], reader: Reader) -> None:
    for node in body:
        if isinstance(node, nodes.TemplateData):
            reader.read(node.data)
        elif isinstance(node, nodes.Output):
            follow(list(node.nodes), reader)
        elif isinstance(node, nodes.Expr):
            for words in words_of(node):
                reader.judge(words)
        elif isinstance(node, nodes.If):
            tag, attribute = reader.tag, reader.attribute
            for way in (node.body, *[each.body for each in node.elif_], node.else_):
                follow(way, reader)
            assert bool(tag) == bool(reader.tag), (tag, reader.tag, attribute)
        elif getattr(node, "name", "") not in IN_TAGS:
            for name in ("body", "else_"):
                follow(getattr(node, name, None) or [], reader)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.html")), ids=lambda path: path.name)
def test_every_way_through_a_template_is_marked(path: Path):
    source = path.read_text("utf-8")
    # what stands between `trans` and its end is marked
    source = re.sub(r"\{%-? trans.*?endtrans -?%\}", "", source, flags=re.DOTALL)
    reader = Reader()
    follow(TEMPLATES.env.parse(source).body, reader)
    assert path.name in ENGLISH or not reader.found
