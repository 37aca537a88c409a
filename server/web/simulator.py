"""The simulator's side of every wire: one emulator a channel, open to operators who have proved who they
are."""

from __future__ import annotations

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request

from channels.emulators.base import Emulator
from channels.emulators.cloud_api import CloudApiEmulator
from channels.emulators.numbers import PATHS, SIMULATED, bot_of_number
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from server.bots.registry import BotRegistry
from server.config.settings import Settings
from server.operators.login import READS, Access
from server.web.phone_forms import finder


def emulators(settings: Settings, registry: BotRegistry) -> dict[str, Emulator]:
    """The emulators by the path they are served at. `registry` knows the forms of the bots."""
    secret, web = settings.simulator_secret, settings.loopback_url

    def hook(profile: str) -> str:
        return f"{web}/webhook/wappi/{profile.removeprefix(SIMULATED['wappi'])}/{secret}"

    journal = {name: settings.data_dir / f"simulator-{name}.jsonl" for name in PATHS}
    meta = CloudApiEmulator(f"{web}/webhook", secret, secret, journal=settings.data_dir / "simulator.jsonl")
    key = settings.flow_private_key
    meta.flows.public_key = key.public_key() if key else None
    meta.flows.endpoint = lambda number: f"{web}/flows/{bot_of_number(number)}"
    meta.flows.find = finder(registry)
    made: dict[str, Emulator] = {
        "cloud_api": meta,
        "wappi": WappiEmulator(secret, hook, journal=journal["wappi"]),
        "waha": WahaEmulator(
            secret,
            ready=SIMULATED["waha"],
            webhook=f"{web}/webhook/waha",
            hmac_key=secret,
            journal=journal["waha"],
        ),
    }
    return {f"/simulator/{PATHS[name]}": emulator for name, emulator in made.items()}


async def admit_player(settings: Settings, access: Access, request: Request) -> None:
    """Let operators play the contacts of the bots they see, and our own senders reach the provider's side.
    Raises HTTPException for everybody else, before anything of the body is read."""
    wire, _, rest = request.scope["path"].removeprefix("/simulator/").partition("/")
    if "_control" not in rest:
        _from_us(settings, request)
        return
    operator = await access.operator(request)
    if operator is None:
        raise HTTPException(401, "log in, or send the header Authorization: Bearer API_TOKEN")
    bot_id = bot_of_number(rest.removeprefix("_control/").partition("/")[0])
    if not operator.sees(bot_id or None) or (operator.role == "read_only" and request.method not in READS):
        raise HTTPException(403, f"{wire}: this is not for the role {operator.role}, or not for this bot")
    await access.require_ours(request)


def _from_us(settings: Settings, request: Request) -> None:
    """What a sender shows its provider: a token, a key, or (files of Wappi and what a test asks) an address
    nobody guesses."""
    if request.method in READS:
        return  # has no body, and the emulator asks for the token itself
    shown = (
        request.headers.get("authorization", "").removeprefix("Bearer "),
        request.headers.get("x-api-key", ""),
    )
    secret = settings.simulator_secret.encode()
    if not any(hmac.compare_digest(given.encode("utf-8", "replace"), secret) for given in shown):
        raise HTTPException(401, "the simulator takes messages from this deployment alone")
