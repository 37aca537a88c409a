"""What was read of a text is remembered, as much as there is room for."""

from __future__ import annotations

from agent.grounding import (
    claims,
    remembered,
)


def test_of_long_texts_fewer_are_remembered():
    claims.remembered.clear()
    kept = remembered.RecentReadings(claims._read, most=50)
    for number in range(40):
        assert len(kept.get(f"{number} € " * 5, every=False)) == 5
    assert len(kept._texts) == 8
