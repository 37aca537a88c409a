"""Forty days of follow-ups for a few contacts in three zones, with kill -9 (`python -m
tests.durability.outreach` has a thousand)."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from tests.durability import outreach

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counts() -> dict[str, dict[str, Any]]:
    return await outreach.run(6)


@pytest.mark.parametrize("rule", outreach.RULES)
def test_no_rule_of_outreach_is_broken(counts: dict[str, dict[str, Any]], rule: str):
    assert {zone: found[rule] for zone, found in counts.items()} == dict.fromkeys(outreach.ZONES, 0)


def test_there_was_something_to_break(counts: dict[str, dict[str, Any]]):
    assert sum(found["touches"] for found in counts.values()) > 20
    assert all(found["calendar"] for found in counts.values())
