"""The spellings of one phone number: countries that lengthened their numbers, or write mobiles with a digit
more abroad.

WhatsApp keeps the number that an account was opened with, people write the one of today; both are one person.
Sources: ITU-T E.164 national numbering plans (Brazil: Anatel resolution 553, the ninth digit; Mexico: 1 after
the country code until 2019; Argentina: 9 after it for mobiles; Chile 2013; Vietnam 2018; Gabon 2019; Ivory
Coast, 31 January 2021; Benin, 30 November 2024; Cameroon, 21 November 2014; Mauritius, 1 September 2013;
Kosovo, +383 in place of Monaco's +377 and Slovenia's +386 since 2017)."""

from __future__ import annotations

import re

import phonenumbers

# A number as people write it, with its country code.
WRITTEN = r"^\s*\(?\+?(?:[\s().\-/]{0,3}\d){6,17}\s*$"

_VIETNAM = {
    "120": "70",
    "121": "79",
    "122": "77",
    "126": "76",
    "128": "78",
    "123": "83",
    "124": "84",
    "125": "85",
    "127": "81",
    "129": "82",
    "162": "32",
    "163": "33",
    "164": "34",
    "165": "35",
    "166": "36",
    "167": "37",
    "168": "38",
    "169": "39",
    "186": "56",
    "188": "58",
    "199": "59",
}
_GABON = {"2": "62", "4": "74", "5": "65", "6": "66", "7": "77"}
# Old spelling, as a pattern, to today's.
_TODAY: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"55([1-9]\d)([6-9]\d{7})"), r"55\g<1>9\2"),
    (re.compile(r"52(?:1|01|04[45])(\d{10})"), r"52\1"),
    (re.compile(r"54([1-8]\d{9})"), r"549\1"),
    (re.compile(r"54(?:9)?(\d{2})15(\d{8})"), r"549\1\2"),
    (re.compile(r"54(?:9)?(\d{3})15(\d{7})"), r"549\1\2"),
    (re.compile(r"54(?:9)?(\d{4})15(\d{6})"), r"549\1\2"),
    (re.compile(r"56([5-9]\d{7})"), r"569\1"),
    (re.compile(r"560(9\d{8})"), r"56\1"),
    (re.compile(r"225([04-9][0-3]\d{6})"), r"22501\1"),
    (re.compile(r"225([04-9][4-6]\d{6})"), r"22505\1"),
    (re.compile(r"225([04-9][7-9]\d{6})"), r"22507\1"),
    (re.compile(r"229([2-9]\d{7})"), r"22901\1"),
    (re.compile(r"237([5-9]\d{7})"), r"2376\1"),
    (re.compile(r"230([79]\d{6})"), r"2305\1"),
    (re.compile(r"377(4[45]\d{6})"), r"383\1"),
    (re.compile(r"386(4[39]\d{6})"), r"383\1"),
    *((re.compile(rf"84{old}(\d{{7}})"), rf"84{new}\1") for old, new in _VIETNAM.items()),
    *((re.compile(rf"2410?{old}(\d{{6}})"), rf"241{new}\1") for old, new in _GABON.items()),
)
# Today's spelling, as a pattern, to the older ones.
_BEFORE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"55([1-9]\d)9([6-9]\d{7})"), r"55\1\2"),
    (re.compile(r"52(\d{10})"), r"521\1"),
    (re.compile(r"549(\d{10})"), r"54\1"),
    (re.compile(r"549(\d{2})(\d{8})"), r"54\g<1>15\2"),
    (re.compile(r"549(\d{3})(\d{7})"), r"54\g<1>15\2"),
    (re.compile(r"569([5-9]\d{7})"), r"56\1"),
    (re.compile(r"2250[157]([04-9]\d{7})"), r"225\1"),
    (re.compile(r"22901([2-9]\d{7})"), r"229\1"),
    (re.compile(r"2376([5-9]\d{7})"), r"237\1"),
    (re.compile(r"2305([79]\d{6})"), r"230\1"),
    (re.compile(r"383(4[45]\d{6})"), r"377\1"),
    (re.compile(r"383(4[39]\d{6})"), r"386\1"),
    *((re.compile(rf"84{new}(\d{{7}})"), rf"84{old}\1") for old, new in _VIETNAM.items()),
    *(
        (re.compile(rf"241{new}(\d{{6}})"), rf"241{zero}{old}\1")
        for old, new in _GABON.items()
        for zero in ("0", "")
    ),
)


def canonical(digits: str) -> str:
    """Today's spelling of a number in international digits; anything else comes back as it is."""
    for old, today in _TODAY:
        if found := old.fullmatch(digits):
            return found.expand(today)
    return digits


def spellings(digits: str) -> list[str]:
    """Every way to write one number, today's first, what was given among them."""
    today = canonical(digits)
    before = [found.expand(old) for form, old in _BEFORE if (found := form.fullmatch(today))]
    return list(dict.fromkeys([today, digits, *before]))


def phone_number(text: str, region: str | None) -> str | None:
    """Digits of a valid phone number as people write it, with its country code; None for anything else.
    `region` (ISO country) is for one without a country code. A number that its country has lengthened since
    comes back in today's spelling."""
    written = _dialled(text)
    try:
        parsed = phonenumbers.parse(written if written.startswith("+") or region else f"+{written}", region)
        digits = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).lstrip("+")
        if not phonenumbers.is_valid_number(parsed):
            digits = canonical(digits)
            parsed = phonenumbers.parse(f"+{digits}", None)
    except phonenumbers.NumberParseException:
        return None
    return digits if phonenumbers.is_valid_number(parsed) else None


def with_country_code(text: str) -> str:
    """Digits of a number that was written with its country code, whether or not it is a valid one."""
    return phone_number(text, None) or re.sub(r"\D", "", _dialled(text))


def _dialled(text: str) -> str:
    """A number with the plus sign for which 00 is dialled in most countries."""
    return re.sub(r"\A[\s(]*00", "+", text).strip()
