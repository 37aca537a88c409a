"""Characters with their places to lines, and lines to bands of running text and of tables."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from statistics import median

# Of the size of a letter: a gap that parts words where the file has no space, and the least and the greatest
# that parts columns; between these it is so many times the usual gap of the page, which justified text
# widens.
WORD_GAP, COLUMN_GAP, WIDEST_GAP, USUAL_GAPS = 0.5, 0.9, 2.0, 2.5
# A table has at least so many rows.
LEAST_ROWS = 3
# Of the width of a page: a column of running text is wider, a column of a table mostly narrower.
PROSE_COLUMN = 0.34
# Running text in columns fills its lines: this share of their width has letters, and so many words a column.
DENSE, WORDS = 0.78, 2.5
# In points: a shorter line is a sign, a box that is wider or higher than this frames more than a cell.
LEAST_RULE, WIDEST_CELL, HIGHEST_CELL = 6.0, 420.0, 120.0
# Most cells of a table have fewer words, but for the name of what it lists.
WORDY = 4
# Of the cells of a table so many begin or end where those of other rows do, within so many points.
ALIGNED, SLACK = 0.6, 4.0
_NUMBER = re.compile(r"^\D{0,4}\d[\d\s.,/x×%*+-]*\D{0,5}$")


@dataclass(frozen=True, slots=True)
class Character:
    """A character and its box, in points from the lower left corner of the page; `turned` when the box was
    turned upright, `spaced` when a space stands before it in the file."""

    sign: str
    left: float
    bottom: float
    right: float
    top: float
    spaced: bool = False
    turned: bool = False

    def upright(self, quarters: int) -> Character:
        """The same after so many quarter turns back of the page."""
        left, bottom, right, top = self.left, self.bottom, self.right, self.top
        if quarters == 3:
            left, bottom, right, top = bottom, -right, top, -left
        elif quarters == 2:
            left, bottom, right, top = -right, -top, -left, -bottom
        elif quarters == 1:
            left, bottom, right, top = -top, left, -bottom, right
        return Character(self.sign, left, bottom, right, top, self.spaced, True)


@dataclass(frozen=True, slots=True)
class Rules:
    """The ruled lines of a page: upright ones as (x, bottom, top), level ones as (y, left, right)."""

    upright: tuple[tuple[float, float, float], ...] = ()
    level: tuple[tuple[float, float, float], ...] = ()

    @classmethod
    def of(cls, boxes: Sequence[Character]) -> Rules:
        """Those that thin boxes are, and the sides of boxes as large as a cell."""
        upright: set[tuple[float, float, float]] = set()
        level: set[tuple[float, float, float]] = set()
        for box in boxes:
            wide, high = box.right - box.left, box.top - box.bottom
            if high > LEAST_RULE and wide < WIDEST_CELL:
                upright |= {(round(x, 1), box.bottom, box.top) for x in (box.left, box.right)}
            if wide > LEAST_RULE and high < HIGHEST_CELL:
                level |= {(round(y, 1), box.left, box.right) for y in (box.bottom, box.top)}
        return cls(tuple(sorted(upright)), tuple(sorted(level)))

    def columns_at(self, height: float) -> list[float]:
        """Where upright lines cross a height, from left to right."""
        return [x for x, bottom, top in self.upright if bottom <= height <= top]

    def between(self, upper: TextLine, lower: TextLine) -> bool:
        """Whether a level line stands between two lines of text."""
        high, low = (upper.bottom + upper.top) / 2, (lower.bottom + lower.top) / 2
        left = max(upper.segments[0].left, lower.segments[0].left)
        right = min(upper.segments[-1].right, lower.segments[-1].right)
        start, end = bisect_left(self.level, (low,)), bisect_left(self.level, (high,))
        return any(a <= max(right, left) and b >= min(left, right) for _, a, b in self.level[start:end])


@dataclass(slots=True)
class Segment:
    """Words of a line that stand together."""

    text: str
    left: float
    right: float


NO_RULES = Rules()


@dataclass
class TextLine:
    """Characters at one height, from left to right; `column_gap` parts columns, in sizes of a letter, and so
    do the upright lines at `ruled`."""

    characters: list[Character]
    column_gap: float = COLUMN_GAP
    ruled: Sequence[float] = ()

    @cached_property
    def size(self) -> float:
        """The height of a letter."""
        return median(max(1.0, c.top - c.bottom) for c in self.characters)

    @cached_property
    def gaps(self) -> list[float]:
        """Those between words, in sizes of a letter."""
        row = sorted(self.characters, key=lambda c: c.left + c.right)
        between = ((a, b, (b.left - a.right) / self.size) for a, b in pairwise(row))
        return [gap for _, b, gap in between if gap > 0 and (b.spaced or gap > WORD_GAP)]

    @cached_property
    def bottom(self) -> float:
        """The lowest point."""
        return min(c.bottom for c in self.characters)

    @cached_property
    def top(self) -> float:
        """The highest point."""
        return max(c.top for c in self.characters)

    @cached_property
    def segments(self) -> list[Segment]:
        """The words, parted where columns are."""
        found: list[Segment] = []
        size = self.size
        before: Character | None = None
        for character in sorted(self.characters, key=lambda c: (c.left + c.right) / 2):
            if not character.sign.strip():
                continue
            gap = character.left - before.right if before else 0.0
            if before is None or gap > self.column_gap * size or self._is_ruled(before, character):
                found.append(Segment(character.sign, character.left, character.right))
            else:
                found[
                    -1
                ].text += f"{' ' if character.spaced or gap > WORD_GAP * size else ''}{character.sign}"
                found[-1].right = max(found[-1].right, character.right)
            before = character
        return found

    def _is_ruled(self, before: Character, after: Character) -> bool:
        left, right = (before.left + before.right) / 2, (after.left + after.right) / 2
        return bisect_left(self.ruled, left) < bisect_left(self.ruled, right)

    @property
    def text(self) -> str:
        """The line as text."""
        return " ".join(segment.text for segment in self.segments)


@dataclass(slots=True)
class Band:
    """Lines of a page from one height to another: a table when `grid` holds its cells, else running text
    between `bounds`, bottom and top."""

    lines: list[TextLine]
    grid: list[list[str]] = field(default_factory=list[list[str]])
    bounds: tuple[float, float] | None = None


def lines_in(characters: Sequence[Character], rules: Rules = NO_RULES) -> list[TextLine]:
    """The lines of a page, from top to bottom."""
    found: list[TextLine] = []
    held: list[Character] = []
    middle = size = 0.0
    for character in sorted(characters, key=lambda c: -(c.bottom + c.top)):
        if not character.sign.strip():
            continue
        own, height = (character.bottom + character.top) / 2, character.top - character.bottom
        if held and middle - own > 0.5 * max(size, height, 1.0):
            found.append(TextLine(held))
            held = []
        if not held:
            middle, size = own, height
        held.append(character)
    if held:
        found.append(TextLine(held))
    usual = median([gap for line in found for gap in line.gaps] or [0.0])
    for line in found:
        line.column_gap = min(WIDEST_GAP, max(COLUMN_GAP, USUAL_GAPS * usual))
        line.ruled = rules.columns_at((line.bottom + line.top) / 2)
    return found


def bands(lines: Sequence[TextLine], width: float, rules: Rules = NO_RULES) -> list[Band]:
    """A page as bands, from top to bottom; `width` is that of the page, in points."""
    found: list[Band] = []
    start = 0
    while start < len(lines):
        end = _table_end(lines, start, width, rules)
        if end - start >= LEAST_ROWS:
            chosen = list(lines[start:end])
            found.append(Band(chosen, _cells(chosen, rules)))
            start = end
            continue
        if found and not found[-1].grid:
            found[-1].lines.append(lines[start])
        else:
            found.append(Band([lines[start]]))
        start += 1
    for band in found:
        if not band.grid:
            band.bounds = (min(c.bottom for c in band.lines) - 0.5, max(c.top for c in band.lines) + 0.5)
    return found


def _table_end(lines: Sequence[TextLine], start: int, width: float, rules: Rules) -> int:
    """The line after the table that begins with a line; `start` itself when none does."""
    if len(lines[start].segments) < 2:
        return start
    end, singles = start, 0
    while end < len(lines):
        line = lines[end]
        if end > start and lines[end - 1].bottom - line.top > 3.5 * max(4.0, line.top - line.bottom):
            break
        if len(line.segments) >= 2:
            singles = 0
        else:
            singles += 1
            if singles > 2 or line.segments[0].right - line.segments[0].left > 0.6 * width:
                break
        end += 1
    last = end
    while end > start and len(lines[end - 1].segments) < 2:
        end -= 1
    if end > start + 1 and end < last and _near(lines[end - 1], lines[end], rules):
        end += 1  # the last line of a cell
    rows = [line for line in lines[start:end] if len(line.segments) > 1]
    return end if len(rows) >= LEAST_ROWS and _is_table(rows, width) else start


def _near(upper: TextLine, lower: TextLine, rules: Rules) -> bool:
    """Whether two lines touch, as those of one cell do; in a ruled table, whether no line parts them."""
    touching = 1.5 if rules.level and not rules.between(upper, lower) else 0.35
    return upper.bottom - lower.top < touching * (upper.top - upper.bottom)


def _is_table(rows: Sequence[TextLine], width: float) -> bool:
    """Columns of a table are short or hold numbers; columns of running text are wide and full of words."""
    wide = sum(
        segment.right - segment.left > PROSE_COLUMN * width and len(segment.text.split()) > 4
        for row in rows
        for segment in row.segments
    )
    segments = [segment for row in rows for segment in row.segments]
    words = sum(len(segment.text.split()) for segment in segments) / len(segments)
    wordy = sum(len(segment.text.split()) >= WORDY for segment in segments) / len(segments)
    letters = sum(len(segment.text) == 1 and not segment.text.isdigit() for segment in segments)
    extents = [row.segments[-1].right - row.segments[0].left for row in rows]
    density = sum(s.right - s.left for s in segments) / max(1.0, sum(extents))
    if wide > 0.25 * len(segments) or (density > DENSE and words > WORDS) or _aligned(rows) < ALIGNED:
        return False
    numbers = sum(bool(_NUMBER.match(segment.text)) for row in rows for segment in row.segments[1:])
    many = sum(len(row.segments) > 2 for row in rows)
    if letters > 0.3 * len(segments) or (wordy > 0.5 and numbers < 0.4 * len(rows)):
        return False
    return numbers > 0.3 * len(rows) or (many > 0.5 * len(rows) and wordy < 0.3)


def _aligned(rows: Sequence[TextLine]) -> float:
    """The share of segments whose left or right end stands where that of many others does."""
    segments = [segment for row in rows for segment in row.segments]
    lefts = Counter(round(segment.left / SLACK) for segment in segments)
    rights = Counter(round(segment.right / SLACK) for segment in segments)
    least = max(2, 0.3 * len(rows))

    def stands(counts: Counter[int], end: float) -> bool:
        place = round(end / SLACK)
        return counts[place - 1] + counts[place] + counts[place + 1] >= least

    fitting = sum(stands(lefts, s.left) or stands(rights, s.right) for s in segments)
    return fitting / len(segments)


def _cells(lines: Sequence[TextLine], rules: Rules) -> list[list[str]]:
    """The cells of a table. What stands between two level lines is a row; without such lines a cell of
    several lines stands beside one line of the others, and its lines belong to the nearest row."""
    columns = _columns(lines)
    rows: list[list[str]] = []
    for line in lines:
        row = [""] * len(columns)
        for segment in line.segments:
            place = _column(segment, columns)
            row[place] = f"{row[place]} {segment.text}".strip()
        rows.append(row)
    owners = _ruled_rows(lines, rules) or _nearest_rows(lines, rows)
    grid: dict[int, list[str]] = {}
    for owner, row in zip(owners, rows, strict=True):
        held = grid.setdefault(owner, [""] * len(columns))
        grid[owner] = [f"{above} {cell}".strip() for above, cell in zip(held, row, strict=True)]
    return [grid[number] for number in sorted(grid)]


def _ruled_rows(lines: Sequence[TextLine], rules: Rules) -> list[int]:
    """The number of each line's row, by level lines; empty where only some rows have them."""
    parted = [rules.between(upper, lower) for upper, lower in pairwise(lines)]
    full = [len(upper.segments) > 1 < len(lower.segments) for upper, lower in pairwise(lines)]
    if not any(parted) or any(two and not line for two, line in zip(full, parted, strict=True)):
        return []
    return list(accumulate(parted, initial=0))


def _nearest_rows(lines: Sequence[TextLine], rows: Sequence[Sequence[str]]) -> list[int]:
    """The number of each line's row: its own, or that of the nearest line with nearly all cells."""
    middles = [(line.bottom + line.top) / 2 for line in lines]
    usual = median(sum(map(bool, row)) for row in rows if sum(map(bool, row)) > 1)
    whole = [n for n, row in enumerate(rows) if sum(map(bool, row)) >= max(2, 0.75 * usual)]
    pitch = median(middles[a] - middles[b] for a, b in pairwise(whole)) if len(whole) > 1 else 0.0
    owners = list(range(len(rows)))
    for number in sorted(set(owners) - set(whole)) if whole else ():
        nearest = min(whole, key=lambda other: abs(middles[other] - middles[number]))
        if abs(middles[nearest] - middles[number]) < 0.7 * pitch:
            owners[number] = nearest
    return owners


def _columns(lines: Sequence[TextLine]) -> list[tuple[float, float]]:
    """From where to where each column goes, by the rows that have the most usual number of cells or more."""
    counts = sorted(len(line.segments) for line in lines if len(line.segments) > 1)
    usual = counts[int(0.6 * (len(counts) - 1))]
    full = [line for line in lines if len(line.segments) >= usual]
    spans = sorted((s.left, s.right) for line in full for s in line.segments)
    columns: list[tuple[float, float]] = []
    for left, right in spans:
        middle = (left + right) / 2
        if columns and (left < columns[-1][1] - 1 or middle < columns[-1][1]):
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    return columns


def _column(segment: Segment, columns: Sequence[tuple[float, float]]) -> int:
    def overlap(place: int) -> tuple[float, float]:
        left, right = columns[place]
        shared = min(right, segment.right) - max(left, segment.left)
        return shared, -abs((left + right) / 2 - (segment.left + segment.right) / 2)

    return max(range(len(columns)), key=overlap)
