"""A short storm (`make chaos` is the long one): every named point is hit, two web processes, three workers,
Redis gone."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.durability import chaos
from tests.support.servers.crashing import ALL

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def counts() -> dict[str, int]:
    return await chaos.run(chaos.Plan(30, 150, 4.0, pace=1.0, chance="once", away=3, shoppers=6))


@pytest.mark.parametrize("promise", chaos.BROKEN)
async def test_the_promises_are_kept(counts: dict[str, int], promise: str):
    assert counts["accepted"] == counts["answered"] == 150
    assert counts[promise] == 0


@pytest.mark.parametrize("point", ALL)
async def test_processes_died_at(counts: dict[str, int], point: str):
    assert counts[point] >= 1
