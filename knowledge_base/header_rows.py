"""The header of a table: in which rows it stands, and what it calls each column."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge_base.vocabulary import column_kinds, currency_in

# Rows among which the header is searched: lists begin with a logo, an address, a date.
SEARCHED = 25
_NUMBER = re.compile(r"^[^\w]*(?:[^\W\d_]{1,4}\.?\s?)?[-+]?\d[\d\s.,'/%:-]*\s?\D{0,8}$")

_WITH_UNIT = re.compile(r"\d\s?([^\d\s.,;:()]{1,8}\.?)")
# A measure alone, such as `EUR/m2`.
_POWER = re.compile(r"\D*[^\W\d_]\d")
_MEASURE = re.compile(r"\D{0,8}?(\d{1,4}(?:[.,]\d{1,2})?)\s?([^\W\d_]{1,6}\.?)")


@dataclass(frozen=True, slots=True)
class GridRow:
    """One row of a grid. `number` is its place in the file, from 1."""

    number: int
    cells: tuple[str, ...]

    @property
    def filled(self) -> int:
        """How many cells hold anything."""
        return sum(map(bool, self.cells))

    @property
    def different(self) -> int:
        """How many texts it holds: a merged cell stands in several."""
        return len({cell for cell in self.cells if cell})


def is_numeric(cell: str) -> bool:
    return bool(cell) and len(cell) < 40 and bool(_NUMBER.match(cell)) and not _POWER.fullmatch(cell)


def is_priced(cell: str) -> bool:
    """Whether a cell is a price with its currency: `from 5 500 to 7 000 RUB`."""
    return len(cell) < 40 and any(currency_in(match[1]) for match in _WITH_UNIT.finditer(cell))


def telling_cells(line: GridRow) -> int:
    """How many cells name a kind of column."""
    return sum(
        bool(cell) and len(cell) < 60 and bool(column_kinds(cell)) and not is_priced(cell)
        for cell in line.cells
    )


def header_at(block: Sequence[GridRow], start: int) -> int | None:
    """The place of the header row: words without numbers, above rows of another look. None when there is
    none."""
    best: tuple[float, int] | None = None
    for place in range(start, min(len(block), start + SEARCHED)):
        line = block[place]
        if line.filled < 2:
            continue
        numbers = sum(is_numeric(cell) or is_priced(cell) for cell in line.cells)
        below = block[place + 1 : place + 30]
        telling = telling_cells(line)
        distinct = len(set(filter(None, line.cells))) >= min(2, line.filled)
        measures = _are_measures(line)
        if measures or (telling and _are_sizes(line)):
            numbers = 0
        if not distinct or numbers > line.filled / 3 or any(len(cell) > 100 for cell in line.cells):
            if best is None and place - start > 3:
                break
            continue
        differs = sum(
            not is_numeric(line.cells[column])
            and bool(line.cells[column])
            and any(
                column < len(row.cells) and (is_numeric(row.cells[column]) or is_priced(row.cells[column]))
                for row in below
            )
            for column in range(len(line.cells))
        )
        differs += measures and not any(map(_are_measures, below[:5]))
        sure = telling * 2 + differs - (place - start) * 0.5
        if (telling or differs) and below and (best is None or sure > best[0]):
            best = (sure, place)
    if best is None and start + 1 == len(block) and telling_cells(block[start]) >= 2:
        return start
    if best is None and len(block) > start + 1 and not any(map(is_numeric, block[start].cells)):
        # nothing but words: a first row of short and distinct ones is still a header
        first = block[start].cells
        longer = [len(" ".join(line.cells)) for line in block[start + 1 : start + 20]]
        filled = [cell for cell in first if cell]
        short = all(len(cell) <= 30 for cell in filled) and len(set(filled)) == len(filled)
        if short and longer and len(" ".join(first)) * 1.5 < sum(longer) / len(longer):
            return start
    return best[1] if best else None


def _are_sizes(line: GridRow) -> bool:
    """Whether the numbers of a row are names of columns: sizes that rise from one to the next."""
    sizes = [float(cell.replace(",", ".")) for cell in line.cells if re.fullmatch(r"\d{1,3}(?:[.,]5)?", cell)]
    others = sum(map(is_numeric, line.cells)) - len(sizes)
    return len(sizes) > 2 and not others and all(a < b for a, b in itertools.pairwise(sizes))


def _are_measures(line: GridRow) -> bool:
    """Whether the numbers of a row are names of columns: one measure that rises, as in `30 cm`, `40 cm`."""
    found = [_MEASURE.fullmatch(cell) for cell in line.cells if is_numeric(cell)]
    said = [(float(m[1].replace(",", ".")), m[2].casefold()) for m in found if m and not currency_in(m[2])]
    rises = all(a[0] < b[0] for a, b in itertools.pairwise(said))
    return len(said) == len(found) > 1 and rises and len({unit for _, unit in said}) == 1


def header_names(lines: list[GridRow]) -> tuple[tuple[str, ...], list[GridRow]]:
    """The names of the columns and the rows below. Two rows of headers, groups above their columns, become
    one name a column."""
    first = lines[0].cells
    if len(lines) > 2 and (_continues(lines[0], lines[1], lines[2:12]) or _details(lines[0], lines[1])):
        group, names = "", list[str]()
        second = lines[1].cells
        for place, (upper, lower) in enumerate(zip(first, second, strict=True)):
            group = upper or (group if lower and place and not first[place] else "")
            names.append(" ".join(dict.fromkeys(filter(None, (group, lower)))))
        return _named(names), lines[2:]
    return _named(first), lines[1:]


def under_groups(above: Sequence[GridRow], names: Sequence[str]) -> tuple[str, ...]:
    """The names of columns with those of their groups, where the row above has as many cells as the same
    names are repeated: `Low season`, `High season` above `Weekday, Weekend, Weekday, Weekend`. Empty
    elsewhere."""
    groups = [cell for line in above for cell in line.cells if cell]
    many = len(groups)
    if many < 2 or any(map(is_numeric, groups)) or len(set(groups)) < many:
        return ()
    for first in range(len(names) - many + 1):
        below = names[first:]
        width = len(below) // many
        if width * many == len(below) and width and all(below) and list(below) == list(below[:width]) * many:
            spread = [group for group in groups for _ in range(width)]
            return _named((*names[:first], *(f"{g} {n}" for g, n in zip(spread, below, strict=True))))
    return ()


def _continues(first: GridRow, second: GridRow, below: Sequence[GridRow]) -> bool:
    """Whether a second row names columns too: words only, under groups or gaps of the first."""
    if (
        second.filled < 2
        or (any(map(is_numeric, second.cells)) and not (_are_measures(second) and _repeats(first, second)))
        or not any(is_numeric(cell) for line in below for cell in line.cells)
    ):
        return False
    spread = any(not upper and lower for upper, lower in zip(first.cells, second.cells, strict=True))
    doubled = len(set(filter(None, first.cells))) < first.filled
    missing = any(upper and not lower for upper, lower in zip(first.cells, second.cells, strict=True))
    # a product without a price has gaps under the header too: only headers have them where numbers stand
    # below
    priced = [
        place
        for place in range(len(second.cells))
        if sum(is_numeric(line.cells[place]) for line in below) * 2 > len(below)
    ]
    names_numbers = any(second.cells[place] for place in priced)
    return (spread or doubled) and names_numbers and (missing or doubled)


def _repeats(first: GridRow, second: GridRow) -> bool:
    """Whether a second row has the texts of the first, of cells that reach down, and a group's columns."""
    return any(upper and upper == lower for upper, lower in zip(first.cells, second.cells, strict=True))


def _details(first: GridRow, second: GridRow) -> bool:
    """Whether a second row says nothing but what the columns of a group are, such as sizes under `Sizes`:
    it is empty under every name that stands for one column, where a row of goods has its own."""
    grouped: set[int] = set()
    for place, name in enumerate(first.cells):
        before = first.cells[place - 1] if place else ""
        if place and (not name or name == before) and (place - 1 in grouped or before):
            grouped |= {place - 1, place}
    said = [place for place, cell in enumerate(second.cells) if cell]
    cells = [second.cells[place] for place in said]
    alone = [place for place, name in enumerate(first.cells) if name and place not in grouped]
    return (
        len(said) > 1
        and len(set(cells)) == len(cells)
        and all(len(cell) <= 20 for cell in cells)
        and set(said) <= grouped
        and bool(alone)
    )


def _named(names: Sequence[str]) -> tuple[str, ...]:
    """Names that are each other's double get the number of their place among them."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        name = " ".join(name.split())
        seen[name] += 1
        found.append(f"{name} {seen[name]}" if name and seen[name] > 1 else name)
    return tuple(found)
