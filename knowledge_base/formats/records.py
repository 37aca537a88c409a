"""JSON, YAML and XML: lists of records become tables, the rest becomes text; feeds of shops (YML, Google
Merchant) are XML like any other, with categories by their ids."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from lxml import etree

from knowledge_base.document import FormatReading, PageText, Unreadable, normalise
from knowledge_base.formats.encoding import decoded
from knowledge_base.formats.text import parts_of
from knowledge_base.header_rows import GridRow
from knowledge_base.tables import read_grid
from knowledge_base.values import is_array, is_record
from knowledge_base.vocabulary import column_kinds

# Values of one file, counted as often as they are named: an alias of YAML names one many times.
MOST_VALUES = 2_000_000
MOST_COLUMNS = 500
_DEEPEST = 100
# Characters of a value that is a price.
LONGEST_PRICE = 40
# Names of lists that say nothing of what is in them.
_UNTELLING = frozenset("data list rows results catalog catalogue menu offers goods shop value".split())


def read_json(path: Path) -> FormatReading:
    """JSON, or one object a line. Raises Unreadable for anything else."""
    text = decoded(path.read_bytes()).lstrip("\ufeff")
    try:
        data = json.loads(text)
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    except ValueError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            data = [json.loads(line) for line in lines] if len(lines) > 1 else None
        except (ValueError, RecursionError):
            data = None
        if data is None:
            raise Unreadable(f"damaged or not JSON ({str(error)[:100]})") from None
    return _of_data(data)


def read_yaml(path: Path) -> FormatReading:
    """Every document of a YAML file, its words as they are written. Raises Unreadable for a damaged one."""
    try:
        loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
        data = list(yaml.load_all(decoded(path.read_bytes()), loader))
    except yaml.YAMLError as error:
        raise Unreadable(f"damaged or not YAML ({str(error).splitlines()[0][:100]})") from None
    except RecursionError:
        raise Unreadable("is nested too deeply") from None
    return _of_data(data[0] if len(data) == 1 else data)


def _of_data(data: Any) -> FormatReading:
    reader = _Data()
    reader.read(data, "", 0)
    return reader.source()


class _Data:
    """Walks values of JSON or YAML."""

    def __init__(self) -> None:
        self.pages: list[PageText] = []
        self.left_out: list[str] = []
        self._held: list[str] = []
        self._raw: list[str] = []
        self._values = 0
        self._money = ""  # the currency that the record around names, or one around that

    def read(self, data: Any, name: str, depth: int) -> None:
        """Raises Unreadable for more values or deeper ones than any shop's file has."""
        self._values += 1
        if depth > _DEEPEST or self._values > MOST_VALUES:
            raise Unreadable("holds more than a shop's file does, or is nested too deeply; split it")
        if is_array(data) and _are_records(data):
            self._table(data, name)
        elif is_record(data) and len(data) > 1 and _are_records(list(data.values())):
            self._table([{"id": key, **value} for key, value in data.items() if is_record(value)], name)
            for key, value in data.items():  # what stands between records
                if not is_record(value):
                    self.read(value, str(key), depth + 1)
        elif is_record(data) and _are_prices(data, name):
            self._table([{"name": key, "price": value} for key, value in data.items()], name)
        elif is_record(data):
            outer, named = self._money, (key for key in data if list(column_kinds(str(key))) == ["currency"])
            self._money = _shown(data.get(next(named, ""))) or outer
            for key, value in data.items():
                self.read(value, str(key), depth + 1)
            self._money = outer
        elif is_array(data) and any(isinstance(value, (dict, list)) for value in data):
            for value in data:
                self.read(value, name, depth + 1)
        elif (text := _shown(data)).strip():
            self._raw.append(f"{name} {text}")
            self._held.append(f"{name.replace('_', ' ')}: {text}" if name else text)

    def _table(self, rows: list[Any], name: str) -> None:
        self._end()
        flat = [
            dict(self._flat(each, "", 0)) if is_record(each) else {name or "value": _shown(each)}
            for row in rows
            for each in (_variants(row) if is_record(row) else [row])
        ]
        # a list under a name of its own is a group: `{"Cups": [...], "Bowls": [...]}`
        if name and not _names_goods(name) and not any(map(_is_group, flat[0])):
            flat = [{**row, "category": name} for row in flat]
        header = list(dict.fromkeys(key for row in flat for key in row))
        if len(header) > MOST_COLUMNS:
            raise Unreadable(f"has records of {len(header)} fields, more than {MOST_COLUMNS}; split it")
        page, left_out = _table_of(header, flat, f"{name} {self._money}".strip())
        self.pages += page
        self.left_out += left_out
        self._raw += [" ".join(row.values()) for row in flat]

    def _flat(self, row: dict[str, Any], before: str, depth: int) -> Iterator[tuple[str, str]]:
        for key, value in row.items():
            self._values += 1
            if depth > _DEEPEST or self._values > MOST_VALUES:
                raise Unreadable("holds more than a shop's file does, or is nested too deeply; split it")
            name = f"{before} {key}".strip()
            if is_record(value):
                yield from self._flat(value, name, depth + 1)
            else:
                yield name, _shown(value)

    def _end(self) -> None:
        prose, out = parts_of(normalise("\n".join(self._held)), 1)
        self.pages += prose
        self.left_out += out
        self._held.clear()

    def source(self) -> FormatReading:
        """What was read."""
        self._end()
        return FormatReading(
            pages=self.pages, raw={1: normalise("\n".join(self._raw))}, left_out=self.left_out
        )


def _are_records(rows: list[Any]) -> bool:
    """Whether most of some values are records of one kind; a single one counts where it has a price."""
    records = [row for row in rows if is_record(row)]
    if len(records) * 2 <= len(rows):
        return False
    if len(records) == 1:
        return "name" in (kinds := _kinds(records[0])) and bool(kinds & {"price", "article"})
    shared = set(records[0]).intersection(*records[1:20])
    return bool(shared) or len(records) > 2


def _are_prices(record: dict[str, Any], name: str) -> bool:
    """Whether a record below a name such as `prices` has a price for each of its names."""
    values = [_shown(value) for value in record.values() if not isinstance(value, (dict, list))]
    amounts = [value for value in values if any(map(str.isdigit, value)) and len(value) < LONGEST_PRICE]
    priced = "price" in column_kinds(name) and len(record) > 1
    return priced and len(values) == len(record) and len(amounts) * 2 > len(values)


def _kinds(record: dict[str, Any]) -> set[str]:
    return {next(iter(column_kinds(str(key))), "") for key in record}


def _is_group(key: str) -> bool:
    return next(iter(column_kinds(key)), "") == "category"


def _names_goods(name: str) -> bool:
    """Whether the name of a list says no more than that it holds goods."""
    return bool(column_kinds(name)) or name.casefold() in (
        "data",
        "list",
        "rows",
        "results",
        "catalog",
        "menu",
    )


def _variants(record: dict[str, Any]) -> list[dict[str, Any]]:
    """A record as one for each of its variants, when these have prices or articles of their own. What a
    variant says goes before what the record says of all."""
    for key, value in record.items():
        variants = [each for each in value if is_record(each)] if is_array(value) else []
        if not variants or len(variants) < len(value):
            continue
        if any(_kinds(each) & {"price", "article"} for each in variants):
            whole = {k: v for k, v in record.items() if k != key}
            return [
                {**{(f"{k} of all" if k in each else k): v for k, v in whole.items()}, **each}
                for each in variants[:MOST_COLUMNS]
            ]
    return [record]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(value, ".10g")
    if is_array(value):
        return ", ".join(_shown(each) for each in value[:MOST_COLUMNS])
    if is_record(value):
        return ", ".join(f"{key}: {_shown(each)}" for key, each in list(value.items())[:MOST_COLUMNS])
    return "" if value is None else str(value)


def _table_of(header: list[str], rows: list[dict[str, str]], title: str) -> tuple[list[PageText], list[str]]:
    """Records as a table; row n is record n."""
    lines = [GridRow(0, tuple(name.replace("_", " ") for name in header))]
    lines += [GridRow(n, tuple(normalise(row.get(h, "")) for h in header)) for n, row in enumerate(rows, 1)]
    found = read_grid(lines, 1, title.replace("_", " "), header_first=True)
    return found.pages, found.left_out


def read_xml(path: Path) -> FormatReading:
    """The elements that are repeated most become a table, everything else text. Raises Unreadable for a
    damaged file; no entity of it is resolved."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(path.read_bytes(), parser)
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"damaged or not XML ({str(error)[:100]})") from None
    record = _record(root)
    categories = {
        node.get("id", ""): (node.text or "").strip() for node in root.iter("{*}category") if node.get("id")
    }
    rows: list[dict[str, str]] = []
    raw: list[str] = []
    rest: list[str] = []
    records: set[Any] = set() if record is None else set(root.iter(record))
    waiting: list[Any] = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node.tag, str):
            continue
        if node in records:
            row = dict(_fields(node, categories))
            rows.append(row)
            raw.append(" ".join(node.itertext()))
            continue
        if node.text and node.text.strip():
            rest.append(f"{_name(node)}: {node.text.strip()}")
            raw.append(node.text)
        waiting += reversed(list(node))
    prose, left_out = parts_of(normalise("\n".join(rest)), 1)
    header = list(dict.fromkeys(key for row in rows for key in row))
    if len(header) > MOST_COLUMNS:
        raise Unreadable(f"has records of {len(header)} fields, more than {MOST_COLUMNS}; split it")
    pages, out = _table_of(header, rows, "") if rows else (list[PageText](), list[str]())
    codes = [
        code.text or "" for code in root.iter("{*}categoryId") if (code.text or "").strip() in categories
    ]
    return FormatReading(
        pages=prose + pages, raw={1: normalise(" ".join(raw))}, left_out=left_out + out + codes
    )


def _name(node: Any) -> str:
    """The name of a field: what its attribute `name` says, as in `<param name="Colour">`, else the
    element's."""
    local = etree.QName(node).localname
    return node.get("name") or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", local).replace("_", " ")


def _record(root: Any) -> Any:
    """The tag of the elements that are rows: those with the most fields in all. None where nothing is
    repeated."""
    fields: Counter[Any] = Counter()
    times: Counter[Any] = Counter()
    for node in root.iter():
        if isinstance(node.tag, str) and len(node) > 1:
            fields[node.tag] += sum(not len(child) and bool((child.text or "").strip()) for child in node)
            times[node.tag] += 1
    repeated = [
        tag
        for tag in fields
        if (fields[tag] > 1 and times[tag] > 1) or (fields[tag] > 2 and "offer" in str(tag))
    ]
    return max(repeated, key=lambda tag: fields[tag], default=None)


def _fields(node: Any, categories: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The fields of a record, its id first; a field that comes twice is one with both values."""
    found: dict[str, list[str]] = {}
    for key in ("id", "available"):
        if value := node.get(key):
            found.setdefault(key, []).append(value)
    for child in node.iterchildren():
        if not isinstance(child.tag, str):
            continue
        text = " ".join(part.strip() for part in child.itertext() if part.strip())
        if text:
            name = _name(child)
            if name == "category Id":
                name, text = "category", categories.get(text, text)
            unit = child.get("unit")
            found.setdefault(name, []).append(f"{text} {unit}" if unit else text)
    if "name" not in found and "title" not in found:
        # a feed may name a thing by its maker and model
        parts = [value for name in ("type Prefix", "vendor", "model") for value in found.get(name, ())]
        if len(parts) > 1:
            found = {"name": [" ".join(parts)], **found}
    yield from ((name, ", ".join(values)) for name, values in found.items())
