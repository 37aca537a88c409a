"""`python -m tests.durability.protocol`: every state of the large scenarios, and what a failover breaks.
`--failovers` looks at these alone, `--small` at few states. Ends with 1 when a promise is broken that holds
without a failover."""

from __future__ import annotations

import sys
from dataclasses import replace

from redis import Redis

from tests.durability.protocol.model import Model
from tests.durability.protocol.scenario import Scenario
from tests.durability.protocol.scenarios import FAILOVERS, LARGE, SMALL
from tests.durability.protocol.scripts_at import script_server
from tests.durability.protocol.search import Found, Search
from tests.durability.protocol.words import in_words


def _look(redis: Redis, scenario: Scenario, name: str = "") -> Found:
    model = Model(redis, scenario)
    found = Search(model).run()
    size = f"{found.states:>8,} states  {found.moves:>9,} moves  {found.depth:>3} deep"
    cost = f"{found.scripts:>7,} scripts  {found.seconds:>5.1f} s"
    print(f"{size}  {cost}  {name or scenario.name}", flush=True)
    for promise, way in found.ways.items():
        print(f"{'':>10}{promise}:")
        for number, line in enumerate(in_words(model, way), 1):
            print(f"{'':>10}{number:>4} {line}")
    return found


def main(asked: list[str]) -> int:
    """Look, print, and say whether something is broken."""
    broken = 0
    with script_server() as redis:
        if "--failovers" not in asked:
            for scenario in SMALL if "--small" in asked else LARGE:
                broken += len(_look(redis, scenario).ways)
        for scenario in FAILOVERS:
            _look(redis, scenario, f"failover that nobody waited for; {scenario.name}")
            waited = replace(scenario, waits=True)
            broken += len(_look(redis, waited, f"failover, REDIS_WAIT; {scenario.name}").ways)
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
