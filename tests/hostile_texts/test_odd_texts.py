"""Figures and brackets that no person writes break nothing."""

from __future__ import annotations

import pytest

from server.replay import masking
from tests.hostile_texts.functions import (
    answers_from,
    judged,
    kept_of,
)

ODD = [
    "9" * 5_000,
    "1," * 2_000,
    "000 00 00",
    "0000000",
    "\U0001e4f5 €",
    "²",
    "1️⃣ 2️⃣",
    "https://",
    "https://...",
    "\x00",
    "\ud800",
    "\ue0005\ue001",
    "[" * 5_000,
    '[{"a": ' * 3_000,
    '{"price": "²"}',
    f'[{{"price": "{"9" * 5_000}"}}]',
]


@pytest.mark.parametrize("said", ODD, ids=range(len(ODD)))
def test_odd_figures_and_brackets_break_nothing(said: str):
    judged(said, f"{said} 111 11 11", said)
    answers_from(said)
    kept_of(said)
    masking.Mask(["Ann"])(said)
