"""A primary that is lost under load, killed or cut off, while a replica takes over: a short storm."""

from __future__ import annotations

import pytest

from tests.durability import failover

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("cluster", "cuts"), [(False, 0.0), (False, 1.0), (True, 0.0)])
async def test_what_was_acknowledged_outlives_the_primary_and_is_answered_once(cluster: bool, cuts: float):
    storm = failover.Storm(10, 60, 2, "1:500", cuts, webs=2, workers=2, cluster=cluster)
    counts = await failover.run(storm)
    if cuts and not counts["primaries cut off"]:
        pytest.skip("network namespaces need root and iproute2")
    assert counts["accepted"] == counts["answered"] == 60
    assert {name: counts[name] for name in failover.BROKEN} == dict.fromkeys(failover.BROKEN, 0)
