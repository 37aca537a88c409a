"""A language in which every text of the pages stands in brackets, and what of a page does not: what somebody
forgot to mark."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from lxml import etree, html

from server.web.languages import catalogues
from server.web.languages.update import extracted

# A language that CLDR knows and the product will hardly speak.
CODE = "eo"
# Whatever is in one of these is data, or nothing that is read: texts of people have a direction of their own,
# and names of things are not to be translated. What lower parts of the product say in English says so.
DATA = "code, kbd, pre, script, style, textarea, bdi, datalist".split(", ")
READ = ("title", "placeholder", "aria-label", "alt", "data-confirm", "data-label")
_NAMES = ("Salesgraph", "KZT", "USD", "US$")


@contextlib.contextmanager
def spoken(folder: Path) -> Iterator[str]:
    """The language is there; its code."""
    catalog = Catalog(locale=CODE)
    for message in extracted():
        if not message.id:
            continue
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        said = [f"⟦{each}⟧" for each in ids]
        places = [(name, 0) for name, _ in message.locations]
        catalog.add(
            message.id, said[0] if isinstance(message.id, str) else said, places, context=message.context
        )
    with (folder / f"{CODE}.po").open("wb") as file:
        write_po(file, catalog)
    known, catalogues.FOLDER = catalogues.FOLDER, folder
    catalogues.languages.cache_clear()
    try:
        yield CODE
    finally:
        catalogues.FOLDER = known
        catalogues.languages.cache_clear()


def unmarked(page: str) -> list[str]:
    """What of a page is read, is no data, and is not in brackets."""
    tree = html.fromstring(page)
    shown: list[str] = []
    found = [
        f"{name} of {each.tag}: {said}"
        for each in tree.iter(etree.Element)
        if not _is_data(each)
        for name in READ
        if _bare(said := each.get(name, ""))
    ]
    _collect(tree, shown)
    return found + [said.strip() for said in _bare_pieces(shown)]


def _collect(element: html.HtmlElement, shown: list[str]) -> None:
    """The texts of an element in their order; of data nothing."""
    if not isinstance(element.tag, str) or _is_data(element, alone=True):
        return
    shown.append(element.text or "")
    for child in element:
        _collect(child, shown)
        shown.append(child.tail or "")
    shown.append("\n")


def _is_data(element: html.HtmlElement, alone: bool = False) -> bool:
    within = [element] if alone else [element, *element.iterancestors()]
    return any(
        each.tag in DATA
        or each.get("translate") == "no"
        or each.get("aria-hidden") == "true"
        or (each.get("dir") == "auto" and each.tag not in ("input", "textarea"))
        or (each.get("lang") is not None and each.tag != "html")
        for each in within
    )


def _bare(said: str) -> bool:
    return bool(list(_bare_pieces([said])))


def _bare_pieces(shown: list[str]) -> Iterator[str]:
    """Pieces with letters outside of all brackets, but for names of days and months, and of products."""
    depth = 0
    for text in shown:
        outside = ""
        for sign in text:
            depth += (sign == "⟦") - (sign == "⟧")
            if depth == 0 and sign != "⟧":
                outside += sign
        if re.search(r"[^\W\d_]", _KNOWN.sub("", outside)):
            yield outside


def _names_of_times() -> set[str]:
    locale = Locale.parse(CODE)
    return {
        str(name)
        for names in (locale.days, locale.months)
        for width in names.values()
        for each in width.values()
        for name in each.values()
    }


_KNOWN = re.compile(
    "|".join(
        rf"(?<!\w){re.escape(name)}(?!\w)"
        for name in sorted({*_names_of_times(), *_NAMES}, key=len, reverse=True)
    )
)
