"""Working hours: right in every zone, in every year, on the days when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.config.working_hours import Hours, country_of, days_of

ZONES = (
    "Asia/Almaty Europe/Rome America/New_York Australia/Lord_Howe America/Sao_Paulo Asia/Kolkata "
    "Africa/Casablanca Pacific/Apia UTC Asia/Kathmandu America/St_Johns Atlantic/Azores"
).split()
TIMES = st.times().map(lambda t: f"{t.hour:02}:{t.minute:02}")


def ms(text: str, zone: str = "Asia/Almaty") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    start, end = sorted([draw(TIMES), draw(TIMES)])
    if start == end:
        start, end = "10:00", "18:00"
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    zone = draw(st.sampled_from(ZONES))
    return Hours(zone, days, start, end, draw(st.sampled_from(["", country_of(zone)])))


@settings(max_examples=200)
@given(hours(), st.integers(ms("2020-01-01"), ms("2040-01-01")))
def test_the_next_opening_is_open_and_the_first(hours: Hours, at: int):
    found = hours.next_open(at)
    assert found >= at and hours.is_open(found)
    assert found == at or not hours.is_open(at)
    local = hours.local(found)
    assert local.weekday() in hours.days
    if found > at:  # a minute before, it was closed
        assert not hours.is_open(found - 60_000)
        minute = f"{local.hour:02}:{local.minute:02}"
        skipped = datetime.combine(
            local.date(), datetime.min.time().fromisoformat(hours.start), ZoneInfo(hours.zone)
        )
        assert minute == hours.start or skipped.astimezone(UTC).astimezone(ZoneInfo(hours.zone)) == local


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("2026-11-21 15:00", "2026-11-23 10:00"),  # a Saturday
        ("2026-11-23 09:59", "2026-11-23 10:00"),
        ("2026-11-23 12:00", "2026-11-23 12:00"),
        ("2026-11-23 18:00", "2026-11-24 10:00"),
        ("2026-12-31 18:30", "2027-01-05 10:00"),  # New Year, 3 and 4 January in its place
        ("2026-12-15 17:59", "2026-12-15 17:59"),
        ("2026-12-16 11:00", "2026-12-17 10:00"),  # Independence Day
    ],
)
def test_weekends_evenings_and_holidays_are_closed(at: str, found: str):
    assert Hours(country="KZ").next_open(ms(at)) == ms(found)


def test_the_clock_of_the_business_counts_when_it_changes():
    rome = Hours("Europe/Rome", frozenset(range(7)), "10:00", "18:00")
    saturday, sunday = rome.opening(date(2026, 3, 28)), rome.opening(date(2026, 3, 29))
    assert saturday and sunday and sunday[0] - saturday[0] == 23 * 3_600_000
    night = Hours("Europe/Rome", frozenset(range(7)), "02:30", "03:30")
    assert night.opening(date(2026, 3, 29)) is None or night.next_open(ms("2026-03-29 00:00", "Europe/Rome"))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="end later"):
        Hours(start="18:00", end="10:00")
    with pytest.raises(ValueError, match="Mon-Fri"):
        days_of("Mon-Funday")
    with pytest.raises(ValueError, match="no open day"):
        Hours("UTC", frozenset()).next_open(0)
    assert days_of("Fri-Mon") == {4, 5, 6, 0} and days_of("Mon, wednesday") == {0, 2}
    assert (country_of("Asia/Almaty"), country_of("UTC")) == ("KZ", "")


def test_a_day_may_end_at_midnight():
    open_ = Hours("Asia/Almaty", frozenset(range(7)), "00:00", "24:00")
    assert all(open_.is_open(at) for at in range(0, 3 * 86_400_000, 3_600_000))
    for wrong in ("25:00", "24:01", "9:00", "10:60"):
        with pytest.raises(ValueError, match="HH:MM"):
            Hours("Asia/Almaty", frozenset(range(7)), "00:00", wrong)
