"""When a business may reach out: days, hours, public holidays, all by the clock of its own time zone."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from agent.opening import Opening

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# A business that is closed for longer than this has settings that can never be met.
LONGEST = 400


@lru_cache(maxsize=512)
def country_of(zone: str) -> str:
    """The ISO country of a time zone by tzdata's zone.tab; empty for one of several countries or none, such
    as UTC."""
    table = (importlib.resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and line[0] != "#")
    return next((row[0] for row in rows if row[2] == zone), "")


@lru_cache(maxsize=256)
def _holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))


@lru_cache(maxsize=1)
def known_countries() -> frozenset[str]:
    """ISO codes of the countries whose public holidays are known."""
    return frozenset(holidays.list_supported_countries())


def days_of(text: str) -> frozenset[int]:
    """Weekdays (Monday is 0) of a text such as `Mon-Fri,Sun`. Raises ValueError."""
    found: set[int] = set()
    for part in re.split(r"[\s,;]+", text.strip().casefold()):
        names = [name[:3] for name in re.split(r"[-–]", part)]
        if not 1 <= len(names) <= 2 or any(name not in DAYS for name in names):
            raise ValueError("use days such as Mon-Fri or Mon,Wed,Sat")
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found |= {day % 7 for day in range(first, last + 1 + (7 if last < first else 0))}
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Hours:
    """Open from `start` to `end` (HH:MM, `end` later than `start`, up to 24:00) on `days` that are no public
    holiday of `country` (ISO code; empty: none are kept), by the clock of `zone`. `stated`: somebody has set
    them, so that customers are told."""

    zone: str = "Asia/Almaty"
    days: frozenset[int] = frozenset(range(5))
    start: str = "10:00"
    end: str = "18:00"
    country: str = ""
    stated: bool = False

    def __post_init__(self) -> None:
        for text in (self.start, self.end):
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
                raise ValueError(f"{text} is no time; use HH:MM")
        if self.start >= self.end:
            raise ValueError("the hours must end later than they start")

    def opening(self, day: date) -> tuple[int, int] | None:
        """(first ms, first ms after) of a day, None when it is closed. A time that the clock skips is the
        moment it skips to; of a time it shows twice, the first."""
        if day.weekday() not in self.days or (self.country and day in _holidays(self.country, day.year)):
            return None
        first, after = (self._moment(day, text) for text in (self.start, self.end))
        return (first, after) if first < after else None

    def _moment(self, day: date, text: str) -> int:
        day, text = (day + timedelta(days=1), "00:00") if text == "24:00" else (day, text)
        return int(datetime.combine(day, time.fromisoformat(text), ZoneInfo(self.zone)).timestamp() * 1000)

    def local(self, at: int) -> datetime:
        """A moment (ms) by the business's clock."""
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(self.zone))

    def openings(self, at: int) -> Iterator[tuple[int, int]]:
        """Every opening that is not over at `at` (ms), the next one first."""
        day = self.local(at).date() - timedelta(days=1)  # a skipped hour may move an opening over midnight
        for offset in range(LONGEST):
            opening = self.opening(day + timedelta(days=offset))
            if opening and opening[1] > at:
                yield opening
        return

    def is_open(self, at: int) -> bool:
        """Whether the business may be heard of at `at` (ms)."""
        return any(first <= at < after for first, after in [next(self.openings(at), (at + 1, at))])

    def next_open(self, at: int) -> int:
        """`at` (ms) when it is open then, else the start of the next opening. Raises ValueError when there is
        none within LONGEST days."""
        found = next(self.openings(at), None)
        if found is None:
            raise ValueError(f"no open day in the {LONGEST} days after {self.local(at):%Y-%m-%d}")
        return max(at, found[0])

    def told(self, at: int) -> Opening | None:
        """What customers are told of them at `at` (ms); None where nobody has set them."""
        if not self.stated:
            return None
        opening = next(self.openings(at), None)
        is_open = bool(opening and opening[0] <= at)
        until = f"{self.local(opening[1] if is_open else opening[0]):%Y-%m-%d %H:%M}" if opening else ""
        return Opening(days=self.spans, start=self.start, end=self.end, open=is_open, until=until)

    @property
    def spans(self) -> str:
        """The days as people write them: `Mon-Wed,Sat`."""
        runs: list[list[int]] = []
        for day in sorted(self.days):
            if runs and runs[-1][-1] == day - 1:
                runs[-1].append(day)
            else:
                runs.append([day])
        names = [day.capitalize() for day in DAYS]
        return ",".join(names[r[0]] if len(r) == 1 else f"{names[r[0]]}-{names[r[-1]]}" for r in runs)

    def back_at(self, at: int) -> str:
        """When somebody is there again (`YYYY-MM-DD HH:MM` by the business's clock); empty at an open moment
        (ms), and where there is no open day in sight."""
        opening = next(self.openings(at), None)
        return f"{self.local(opening[0]):%Y-%m-%d %H:%M}" if opening and opening[0] > at else ""


def hours_of(
    zone: str, days: str, start: str, end: str, holidays: str | None, *, stated: bool = False
) -> Hours:
    """Hours in the words of settings. `holidays`: an ISO country, empty for none, None for the country of the
    zone; `stated`: customers are told them. Raises ValueError."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {zone}; use an IANA name such as Asia/Almaty") from None
    country = country_of(zone) if holidays is None else holidays
    return Hours(zone, days_of(days), start, end, country if country in known_countries() else "", stated)
