"""A primary that is lost under load, killed or cut off, while a replica takes over: a short storm."""

from __future__ import annotations

import pytest

from tests.durability import failover

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cuts", [0.0, 1.0])
async def test_what_was_acknowledged_outlives_the_primary_and_is_answered_once(cuts: float):
    counts = await failover.run(failover.Storm(8, 60, 2, "1:500", cuts, webs=2, workers=2))
    if cuts and not counts["primaries cut off"]:
        pytest.skip("network namespaces need root and iproute2")
    assert counts["accepted"] == counts["answered"] == 60
    assert {name: counts[name] for name in failover.BROKEN} == dict.fromkeys(failover.BROKEN, 0)
