"""Numbers of the simulator, and how they are told from real ones.

People who write to a simulated number are nobody real: their identities, consent, history and account are
kept apart from those of real contacts, whatever digits they go by (`server.store.contacts`)."""

from __future__ import annotations

# How a simulated number begins, by the channel whose wire it is on.
SIMULATED = {"cloud_api": "sim-", "wappi": "simwappi-", "waha": "simwaha-"}
# Where the simulator serves each wire: /simulator/PATH.
PATHS = {name: name.replace("_", "-") for name in SIMULATED}


def is_simulated(account: str) -> bool:
    """Whether a number is the simulator's; no real one may begin like that."""
    return account.startswith(tuple(SIMULATED.values()))


def bot_of_number(account: str) -> str:
    """The bot that a simulated number belongs to; empty for any other number."""
    prefix = next((p for p in SIMULATED.values() if account.startswith(p)), "")
    return account.removeprefix(prefix) if prefix else ""
