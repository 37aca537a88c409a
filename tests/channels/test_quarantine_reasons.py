"""What cannot be read of a webhook is named in words that an owner understands."""

from __future__ import annotations

import pytest

from channels.base import Parsed
from channels.json_parts import each


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "it is not built as the provider's reference says"),
        ({}, "from is missing"),
        ({"from": 1}, "it is not built as the provider's reference says"),
        ({"from": "x"}, "nobody's number"),
    ],
)
def test_a_piece_that_cannot_be_read_says_why(raw: object, reason: str):
    def read(piece: dict[str, str]) -> None:
        if not piece.get("from") and piece["from"].strip():
            return
        piece["from"].strip()
        raise ValueError("nobody's number")

    parsed = Parsed()
    each(parsed, [raw], read)
    assert [one.reason for one in parsed.quarantined] == [reason]
