"""The spellings of one phone number: countries that lengthened their numbers, or write mobiles with a digit
more abroad.

WhatsApp keeps the number that an account was opened with, people write the one of today; both are one person.
Sources: ITU-T E.164 national numbering plans (Brazil: Anatel resolution 553, the ninth digit; Mexico: 1 after
the country code until 2019; Argentina: 9 after it for mobiles; Chile 2013; Vietnam 2018; Gabon 2019; Ivory
Coast, 31 January 2021; Benin, 30 November 2024)."""

from __future__ import annotations

import re

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
    (re.compile(r"521(\d{10})"), r"52\1"),
    (re.compile(r"54([1-8]\d{9})"), r"549\1"),
    (re.compile(r"54(?:9)?(\d{2})15(\d{8})"), r"549\1\2"),
    (re.compile(r"54(?:9)?(\d{3})15(\d{7})"), r"549\1\2"),
    (re.compile(r"54(?:9)?(\d{4})15(\d{6})"), r"549\1\2"),
    (re.compile(r"56([5-9]\d{7})"), r"569\1"),
    (re.compile(r"225([04-9][0-3]\d{6})"), r"22501\1"),
    (re.compile(r"225([04-9][4-6]\d{6})"), r"22505\1"),
    (re.compile(r"225([04-9][7-9]\d{6})"), r"22507\1"),
    (re.compile(r"229([2-9]\d{7})"), r"22901\1"),
    *((re.compile(rf"84{old}(\d{{7}})"), rf"84{new}\1") for old, new in _VIETNAM.items()),
    *((re.compile(rf"2410{old}(\d{{6}})"), rf"241{new}\1") for old, new in _GABON.items()),
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
    *((re.compile(rf"84{new}(\d{{7}})"), rf"84{old}\1") for old, new in _VIETNAM.items()),
    *((re.compile(rf"241{new}(\d{{6}})"), rf"2410{old}\1") for old, new in _GABON.items()),
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
