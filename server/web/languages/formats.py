"""Times, numbers and money as the viewer reads them, in their zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent

from agent.ordering.wording import money_text
from server.clock import now_ms
from server.web.languages.catalogues import SOURCE
from server.web.languages.viewer import _, viewer

# What is shown of a time -> the skeleton of CLDR, and how English has it here: the day first, as the other
# languages do.
_SHOWN = {
    "date": ("yMMMMd", "dd MMMM yyyy"),
    "short date": ("yMMMd", "dd MMM yyyy"),
    "short day": ("MMMd", "dd MMM"),
    "weekday and day": ("MMMEd", "EEE dd MMM"),
    "weekday and time": ("EHm", "EEE HH:mm"),
}


def local(at: int) -> datetime:
    """A moment by the viewer's clock."""
    return datetime.fromtimestamp(at / 1000, viewer().zone)


def date_text(at: datetime, shown: str) -> str:
    """A time by its own zone, in words; `shown` is one of `_SHOWN`."""
    skeleton, english = _SHOWN[shown]
    language = viewer().language
    if language.code == SOURCE:
        return format_datetime(at, english, locale=language.locale)
    return format_skeleton(skeleton, at, locale=language.locale)


def clock(at: int) -> str:
    """HH:MM."""
    return f"{local(at):%H:%M}"


def day(at: int) -> str:
    """A day as people name it."""
    then, today = local(at), local(now_ms())
    if then.date() == today.date():
        return _("Today")
    if then.date() == (today - timedelta(days=1)).date():
        return _("Yesterday")
    if not timedelta() < today - then < timedelta(days=6):
        return date_text(then, "date")
    said = format_datetime(then, "EEEE", locale=viewer().language.locale)
    return said[:1].upper() + said[1:]


def moment_text(at: int) -> str:
    """The time of something of today, the day of something older."""
    if not at:
        return ""
    then, today = local(at), local(now_ms())
    if then.date() == today.date():
        return f"{then:%H:%M}"
    if abs(today - then) < timedelta(days=6):
        return date_text(then, "weekday and time")
    return date_text(then, "short day" if then.year == today.year else "short date")


def ago(ms: int) -> str:
    """For how long: `40 s`, `5 min`, `3 h`, `2 d`."""
    seconds = max(0, ms // 1000)
    if seconds < 90:
        return _("%(count)s s", count=seconds)
    if seconds < 5400:
        return _("%(count)s min", count=seconds // 60)
    if seconds < 172_800:
        return _("%(count)s h", count=seconds // 3600)
    return _("%(count)s d", count=number(seconds // 86_400))


def whose_clock(at: int, zone: str) -> str:
    """The zone of a time that is by another clock than the viewer's, to stand behind it; empty: it is by
    theirs."""
    theirs, there = local(at).utcoffset(), datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).utcoffset()
    return "" if theirs == there else f" ({zone})"


def number(value: float | Decimal, digits: int | None = None) -> str:
    """A number, with so many digits behind the point, or as many as it has."""
    shown = None if digits is None else "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(Decimal(str(value)), format=shown, locale=viewer().language.locale)


def percent(share: float) -> str:
    """A share of one, in whole hundredths."""
    return format_percent(share, locale=viewer().language.locale)


def dollars(amount: float, digits: int = 2) -> str:
    """What something cost, in US dollars."""
    locale = viewer().language.locale
    pattern = locale.currency_formats["standard"].pattern.partition(";")[0]
    pattern = pattern.replace("0.00", "0." + "0" * digits)
    return format_currency(amount, "USD", pattern, locale=locale, currency_digits=False)


def money(amount: Decimal, currency: str) -> str:
    """A sum in a currency that is named by its code: `1 290.50 KZT`."""
    if viewer().language.code == SOURCE:
        return money_text(f"{amount:f}", currency)
    whole = amount == amount.to_integral_value()
    return f"{number(amount, 0 if whole else 2)} {currency}".strip()
