"""Which sentence of the documents answers."""

from __future__ import annotations

import numpy as np

from agent.offline.quoting import Quotes, ShownPassage

TEXT = """Payment
You can pay by card, or in cash on delivery in Almaty.

Shipping
Delivery in Almaty costs 1,500 KZT and takes a day."""


def test_a_sentence_that_is_about_it_goes_before_one_that_mentions_it():
    same = np.ones(4) / 2  # by meaning, all are as near
    quotes = Quotes(lambda _: same, [ShownPassage("en", True, TEXT)], "en")
    assert quotes.answer("Do you deliver to Almaty?").startswith("Delivery in Almaty costs 1,500 KZT")
