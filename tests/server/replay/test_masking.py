"""Nobody is left in what is exported, the same person has one stand-in, and prices stay."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent.profile import region_of
from server.replay.masking import Mask, people_in

SECRETS = (
    "+7 701 123 45 67 | 87011234567 | +39 02 1234 5678 | (701) 123-45-67 | 8-701-123-45-67 | "
    "+551199887766 | 77011234567 | anna.petrova@mail.ru | a+b@shop.co.uk | "
    "https://instagram.com/anna | www.anna.kz/cv | wa.me/77011234567 | t.me/anna_p | @anna_petrova | "
    "ул. Абая 15, кв. 3 | проспект Достык, д. 5 | Via Roma 10 | Calle Mayor, 5 | 42 Baker Street | "
    "Hauptstraße 7 | 12 rue de Rivoli | Rua Augusta 1500 | Абай көшесі 12 | 612 345 678 | "
    "912 345 678 | 8 – 701 – 123 45 67 | Абая 15, кв 3 | Av. Paulista 1000 | 43.238949, 76.889709"
).split(" | ")


@pytest.mark.parametrize("secret", SECRETS)
def test_what_leads_to_somebody_is_replaced(secret: str):
    mask = Mask()
    text = mask(f"Write to {secret}, please.")
    assert secret not in text and text.startswith("Write to ") and text.endswith(", please.")
    assert next(iter(mask.replaced.values())) in text
    assert not list(people_in(text)) and list(people_in(secret))
    assert mask(text) == text


@pytest.mark.parametrize(
    "plain",
    (
        "449 000 KZT | 1.234.567 € | 189,000 ₸ | 2026-03-02 10:00 | 02.03.2026 | 15 bar | AU-DUO | "
        "10:00-19:00 | 12 345 678 | 449 000 000 KZT | e.g. this"
    ).split(" | "),
)
def test_prices_dates_and_codes_stay(plain: str):
    assert Mask()(f"It is {plain} now") == f"It is {plain} now"


def test_one_person_has_one_stand_in():
    mask = Mask(["Анна Петрова", "Ana"])
    a, b, c = mask(["Это Анна, +7 701 123 45 67", "Анне: 8 (701) 123-45-67", {"name": "ana", "n": 3}])
    assert a == "Это Саша, +12025550101" and b == "Саша: +12025550101" and c == {"name": "Sam", "n": 3}
    assert "banana" in mask("a banana for Ana")
    assert mask.replaced[("phone", "011234567")] == "+12025550101"


@pytest.mark.parametrize("company", ['ТОО "Аврора"', "«Аврора»", "Aurora Inc.", "C++ Studio (KZ)"])
def test_a_company_is_found_that_is_written_with_signs(company: str):
    mask = Mask([], [company], blanks=True)
    assert mask.names(f"Это {company}, и ({company}).") == "Это [name], и ([name])."
    if "Аврора" in company:
        assert mask.names("Аврора звонила") == "[name] звонила"


def test_a_stand_in_is_a_number_that_a_profile_takes():
    assert region_of(Mask()("+7 701 123 45 67")) == "US"


@given(st.text(max_size=40), st.sampled_from(SECRETS), st.text(max_size=40))
@example("", "612 345 678", "£")
def test_nothing_is_left_wherever_it_stands(before: str, secret: str, after: str):
    text = Mask()(f"{before} \n{secret}\n {after}")
    assert secret not in text


@pytest.mark.parametrize("glued", ["тел.87011234567", "номер,87011234567", "phone:+77011234567"])
def test_a_number_is_found_where_no_blank_stands_before_it(glued: str):
    assert "701123" not in Mask()(glued)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Юля", "Юле"),
        ("Юля", "от Юли"),
        ("Павел", "для Павла"),
        ("Павел", "Павлу"),
        ("Anna", "Anna's"),
        ("Anna", "Annas"),
        ("Анна", "с Анной"),
    ],
)
def test_a_name_is_found_in_its_cases(name: str, said: str):
    assert name[:2] not in Mask([name])(said)


def test_a_name_takes_no_other_word_with_it():
    mask = Mask(["Ana de la Torre"], ["Salon The Best"])
    assert mask("el precio de la máquina") == "el precio de la máquina"
    assert mask("the best at Salon The Best") == "the best at " + mask.replaced["name", "salon the best"]
    assert mask.patterns("Ana sells, ana@mail.ru") == "Ana sells, someone1@example.com"
