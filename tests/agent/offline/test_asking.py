"""What a question is about."""

from __future__ import annotations

import pytest

from agent.offline.asking import states_hours, topics_in
from agent.offline.quoting import Quotes, ShownPassage, row_line


@pytest.mark.parametrize(
    ("question", "wished"),
    [
        ("кофемолка дешевле 100000 есть?", False),
        ("a grinder cheaper than 100 000?", False),
        ("molinillo más barato que 50000", False),
        ("can it be cheaper?", True),
        ("can you do it cheaper, 100000?", True),
        ("any discount, say 10%?", True),
        ("скидка на 2 штуки?", True),
        ("есть что дешевле 90 000 тг или скидка?", True),
    ],
)
def test_a_price_that_goods_may_cost_is_no_wish_for_a_discount(question: str, wished: bool):
    assert ("discount" in topics_in(question)) is wished


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"Тип": "Студия", "Цена, тыс. тг": "14 900"}, "*Студия*: 14 900 (Цена, тыс. тг)"),
        ({"Item": "Hex bolt", "Price (€ / 100 pcs)": "12.50"}, "*Hex bolt*: 12.50 (Price (€ / 100 pcs))"),
        ({"name": "Rain jacket", "price EUR": "79,00"}, "*Rain jacket*: 79,00 EUR"),
        ({"name": "Vase", "price": "900", "currency": "KZT"}, "*Vase*: 900 KZT"),
    ],
)
def test_a_price_is_said_with_what_it_is_counted_in(row: dict[str, str], line: str):
    assert row_line(row, "en") == line


COURSE = "The pottery course is on Saturday from 10:00 to 12:00."


@pytest.mark.parametrize(
    ("plainer", "vaguer"),
    [
        ("We are open Mon–Fri 8:00–19:00.", "Mon–Fri 8:00–19:00"),
        ("mon-fri: 11:00-21:00", "Работаем с 10 до 19, без выходных."),
        ("Open daily 9 to 5.", COURSE),
        (
            "Abrimos de martes a sábado, de 10:00 a 20:00.",
            "Saturday workshop 10:00-12:00, Sunday workshop 14:00",
        ),
    ],
)
def test_hours_are_told_apart_from_the_times_of_a_course(plainer: str, vaguer: str):
    assert states_hours(plainer) > states_hours(vaguer)


def test_a_question_in_another_language_is_told_the_hours_and_not_a_course():
    hours = "Open daily 9:00 to 17:00."
    quotes = Quotes(lambda _: [], [ShownPassage("en", True, COURSE), ShownPassage("en", True, hours)], "ru")
    assert quotes.hours() == hours
    assert Quotes(lambda _: [], [ShownPassage("en", True, COURSE)], "ru").hours() == ""
