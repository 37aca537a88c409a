"""What a question is about."""

from __future__ import annotations

import pytest

from agent.offline.asking import topics_in


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
