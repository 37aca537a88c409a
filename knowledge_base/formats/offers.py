"""Products on a page of a shop: what it says of them to search engines (schema.org, as JSON-LD or microdata),
else the cards that it shows, one like the other."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from knowledge_base.document import normalise
from knowledge_base.values import is_array, is_record
from knowledge_base.vocabulary import column_kinds, currency_in

# Products and nested values of one page that are looked at.
MOST_PRODUCTS, DEEPEST = 5_000, 40
# Cards of one kind that make a list, and characters of one.
LEAST_CARDS, LONGEST_CARD = 2, 800
_PRODUCT = re.compile(r"(?:^|/)(?:Product|IndividualProduct|ProductModel|Service|MenuItem)$")
_NAMES = "h1, h2, h3, h4, h5, h6, [class*=name], [class*=title], [itemprop=name]"
# Column -> where schema.org has it, first come first served.
_COLUMNS = {
    "name": ("name",),
    "sku": ("sku", "mpn", "gtin13", "gtin", "productID"),
    "price": ("price", "lowPrice"),
    "currency": ("priceCurrency",),
    "availability": ("availability",),
    "brand": ("brand",),
    "category": ("category",),
    "color": ("color",),
    "size": ("size",),
    "valid until": ("priceValidUntil",),
    "link": ("url",),
    "image": ("image",),
    "description": ("description",),
}

Rows = list[dict[str, str]]


def structured(tree: Any) -> Rows:
    """The products that a page names for machines, each once."""
    found: Rows = []
    for node in tree.css("script[type='application/ld+json']"):
        try:
            data = json.loads(node.text(strip=True) or "null", strict=False)
        except (ValueError, RecursionError):  # search engines do not read it either
            continue
        for product in _products(data, 0):
            found += _rows(product)
    for node in tree.css("[itemscope][itemtype*='schema.org/Product']"):
        found += _rows(_microdata(node))
    once = {
        tuple(sorted(row.items())): row for row in found[:MOST_PRODUCTS] if "name" in row and len(row) > 1
    }
    return list(once.values())


def _products(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Every product within JSON-LD, wherever it stands."""
    if depth > DEEPEST:
        return
    if is_array(data):
        for each in data:
            yield from _products(each, depth + 1)
    elif is_record(data):
        kinds = data.get("@type")
        named = [str(kind) for kind in (kinds if is_array(kinds) else [kinds])]
        variants = data.get("hasVariant")
        if variants and "ProductGroup" in named:
            above = {key: value for key, value in data.items() if key not in ("hasVariant", "@type")}
            for variant in _products(variants, depth + 1):
                yield {**above, **variant}
        elif any(map(_PRODUCT.search, named)) and data.get("offers"):
            yield data
        else:
            for value in data.values():
                yield from _products(value, depth + 1)


def _rows(product: dict[str, Any]) -> Rows:
    """A row for each offer of a product; an offer's own values go before the product's."""
    offers = product.get("offers")
    if is_record(offers) and is_array(offers.get("offers")):
        offers = offers["offers"]
    rows: Rows = []
    for given in offers if is_array(offers) else [offers]:
        offer: dict[str, Any] = given if is_record(given) else {}
        price = offer.get("priceSpecification")
        flat = {**product, **(price if is_record(price) else {}), **offer}
        flat["name"] = product.get("name") or offer.get("name")
        values = {
            column: next((said for key in keys if (said := _said(flat.get(key)))), "")
            for column, keys in _COLUMNS.items()
        }
        rows.append({column: value for column, value in values.items() if value})
    return rows


def _said(value: Any) -> str:
    """A value of schema.org as text: names of things, the last word of its own addresses."""
    if is_array(value):
        return _said(value[0]) if value else ""
    if is_record(value):
        return _said(value.get("name") or value.get("url"))
    if value is None or isinstance(value, bool):
        return ""
    text = normalise(str(value))[:500]
    if "schema.org/" in text:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", urlsplit(text).path.strip("/"))
    return text


def _microdata(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"offers": {}}
    for each in node.css("[itemprop]"):
        attributes = each.attributes
        value = next(
            (said for key in ("content", "href", "src", "datetime") if (said := attributes.get(key))), None
        )
        if attributes.get("itemscope") is None or "itemscope" not in attributes:
            found.setdefault(str(attributes.get("itemprop")), value or each.text(separator=" "))
    return found


@dataclass(frozen=True, slots=True)
class CardList:
    """Cards of one kind: their elements, a grid with its header, one row a card, and what each of them says,
    such as the word on a button."""

    nodes: list[Any]
    grid: list[list[str]]
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class _Card:
    """`before` is the price that is struck through, `others` the lines that are nothing else."""

    name: str
    article: str
    price: str
    before: str
    others: list[str]
    link: str


def page_cards(body: Any) -> list[CardList]:
    """Lists of cards on a page."""
    groups: dict[tuple[int, str, str], list[Any]] = defaultdict(list)
    for node in body.css("li, div, article, section, a"):
        kind = next(iter((node.attributes.get("class") or "").split()), "")
        if node.parent is not None and (kind or node.tag in ("li", "article")):
            groups[node.parent.mem_id, str(node.tag), kind].append(node)
    found: list[CardList] = []
    taken: list[Any] = []
    for nodes in groups.values():
        if len(nodes) < LEAST_CARDS or any(_within(nodes[0], other) for other in taken):
            continue
        read = [_card(node) for node in nodes]
        whole = [(node, card) for node, card in zip(nodes, read, strict=True) if card]
        if len(whole) >= LEAST_CARDS and len(whole) * 10 >= len(nodes) * 7:
            taken += [node for node, _ in whole]
            found.append(_list([node for node, _ in whole], [card for _, card in whole]))
    return found


def _within(node: Any, other: Any) -> bool:
    while node is not None:
        if node.mem_id == other.mem_id:
            return True
        node = node.parent
    return False


def _card(node: Any) -> _Card | None:
    """What a card says; None for what is none."""
    lines = list(_lines(node))
    if not lines or sum(map(len, lines)) > LONGEST_CARD or len(node.css("h1, h2, h3, h4")) > 2:
        return None
    priced = [line for line in lines if len(line) < 60 and currency_in(line) and any(map(str.isdigit, line))]
    now = [line for line in priced if "~~" not in line]
    name = next((said for each in node.css(_NAMES) if (said := normalise(each.text(separator=" ")))), "")
    rest = [line for line in lines if line not in priced and any(map(str.isalpha, line))]
    name = name or next(iter(rest), "")
    if not now or not name or name in priced:
        return None
    coded = node.css_first("[class*=sku], [class*=article], [class*=vendor-code]")
    code = normalise(coded.text(separator=" ")) if coded is not None else ""
    article = code.rpartition(":")[2].strip() if code != name else ""
    link = node.css_first("a[href]") or (node if node.tag == "a" else None)
    return _Card(
        name,
        article,
        now[-1],
        " ".join(line.strip("~") for line in priced if line not in now),
        [line for line in lines if line not in priced and line not in (name, code)] + now[:-1],
        str(link.attributes.get("href") or "") if link is not None else "",
    )


def _lines(node: Any) -> Iterator[str]:
    """The pieces of text of a card, those struck through marked."""
    for each in node.traverse(include_text=True):
        if each.tag == "-text" and (text := normalise(each.text_content or "")):
            above, struck = each.parent, False
            while above is not None and above.mem_id != node.mem_id:
                struck = struck or above.tag in ("s", "del", "strike")
                above = above.parent
            yield f"~~{text}~~" if struck else text


def _list(nodes: list[Any], read: list[_Card]) -> CardList:
    """Cards as rows; a line whose label names a column is one, what every card says is none."""
    everywhere = set(read[0].others).intersection(*(card.others for card in read))
    rows: list[dict[str, str]] = []
    for card in read:
        row = {"name": card.name, "article": card.article, "price": card.price, "old price": card.before}
        rest: list[str] = []
        for line in card.others:
            label, colon, value = line.partition(":")
            if colon and value.strip() and column_kinds(label) and label not in row:
                row[label] = value.strip()
            elif line not in everywhere:
                rest.append(line)
        row["details"] = " ".join(rest)
        row["link"] = card.link if card.link.startswith(("http", "/")) else ""
        rows.append(row)
    columns = [c for c in dict.fromkeys(column for row in rows for column in row) if any(_column(rows, c))]
    grid = [columns, *([row.get(column, "") for column in columns] for row in rows)]
    return CardList(nodes, grid, [line for line in everywhere for _ in read])


def _column(rows: Rows, column: str) -> list[str]:
    """A column of rows."""
    return [row.get(column, "") for row in rows]
