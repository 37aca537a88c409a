"""One number, as its country, a phone and people write it."""

from __future__ import annotations

import pytest

from agent.access_lists import is_listed
from agent.phone_numbers import canonical, phone_number, spellings, with_country_code

# Country, the number as WhatsApp has it, ways to write it with the country code, and ways at home.
WRITTEN = [
    (
        "BR",
        "551187654321",
        "+55 11 98765-4321 | 0055 11 98765-4321 | +55 (0)11 98765 4321",
        "(11) 98765-4321",
    ),
    ("MX", "5215512345678", "+52 55 1234 5678 | 0052 1 55 1234 5678", "044 55 1234 5678"),
    ("AR", "5491123456789", "+54 11 2345-6789 | +54 11 15 2345-6789", "011 15-2345-6789"),
    ("AR", "5492966412345", "+54 2966 15 412345 | 0054 9 2966 412345", "02966 15-412345"),
    ("BJ", "22997123456", "+229 01 97 12 34 56 | 00229 97 12 34 56", "01 97 12 34 56 | 97123456"),
    ("CI", "22507123456", "+225 07 07 12 34 56 | +225 07 12 34 56", "07 07 12 34 56"),
    ("IT", "390612345678", "+39 06 1234 5678 | 0039 06 12345678", "06 12345678"),
    ("GA", "24107123456", "+241 77 12 34 56 | +241 077 12 34 56 | +241 7 12 34 56", "077 12 34 56"),
    ("VN", "841681234567", "+84 38 123 4567 | +84 0168 1234567", "0168 1234567 | 038 1234567"),
    ("CL", "56987654321", "+56 8765 4321 | 0056 9 8765 4321", "9 8765 4321 | 09 8765 4321"),
    ("CM", "23777123456", "+237 6 77 12 34 56 | +237 77 12 34 56", "677 12 34 56"),
    ("MU", "2307123456", "+230 5712 3456", "5712 3456"),
    ("XK", "37744123456", "+383 44 123 456 | +377 44 123456", "044 123 456"),
    ("KZ", "77011234567", "+7 (701) 123-45-67 | 007 701 123 45 67", "8 701 123 45 67 | 7011234567"),
    ("GB", "447911123456", "+44 (0)7911 123456 | (0044) 7911 123456", "07911 123456"),
]


@pytest.mark.parametrize(("country", "inbound", "abroad", "at_home"), WRITTEN)
def test_every_way_to_write_it_is_one_person(country: str, inbound: str, abroad: str, at_home: str):
    ways = abroad.split(" | ")
    assert {canonical(with_country_code(way)) for way in ways} == {canonical(inbound)}
    assert {canonical(phone_number(way, None) or way) for way in ways} == {canonical(inbound)}
    for way in [*ways, *at_home.split(" | ")]:
        assert canonical(phone_number(way, country) or way) == canonical(inbound), way
        assert is_listed([way], inbound), way
    for way in {*map(with_country_code, ways), canonical(inbound)}:
        assert set(spellings(inbound)) & set(spellings(way)), way


@pytest.mark.parametrize(
    ("pattern", "identity"),
    [
        ("0055 11 98765-4322", "551187654321"),
        ("+1 1198765 4321", "5511987654321"),
        ("+52 55 1234 5678", "525512345679"),
        ("8 701 123 45 67", "3908701123456"),
        ("4321", "5511987654321"),
        ("1234567", "KZ.1234567"),
    ],
)
def test_another_number_is_another_person(pattern: str, identity: str):
    assert not is_listed([pattern], identity)
