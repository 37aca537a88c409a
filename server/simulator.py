"""The simulator's side of every wire: one emulator a channel, open to the people at this machine and to operators."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from channels.emulators.base import Emulator
from channels.emulators.cloud_api import CloudApiEmulator
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from server.access import READS, Access, is_local
from server.lines import PATHS, SIMULATED
from server.problems import problem
from server.settings import Settings


def emulators(settings: Settings) -> dict[str, Emulator]:
    """The emulators by the path they are served at."""
    secret, web = settings.simulator_secret, settings.loopback_url

    def hook(profile: str) -> str:
        return f"{web}/webhook/wappi/{profile.removeprefix(SIMULATED['wappi'])}/{secret}"

    journal = {name: settings.data_dir / f"simulator-{name}.jsonl" for name in PATHS}
    made: dict[str, Emulator] = {
        "cloud_api": CloudApiEmulator(f"{web}/webhook", secret, secret, journal=settings.data_dir / "simulator.jsonl"),
        "wappi": WappiEmulator(secret, hook, journal=journal["wappi"]),
        "waha": WahaEmulator(
            secret, ready=SIMULATED["waha"], webhook=f"{web}/webhook/waha", hmac_key=secret, journal=journal["waha"]
        ),
    }
    return {f"/simulator/{PATHS[name]}": emulator for name, emulator in made.items()}


def guarded(access: Access, path: str, phone: ASGIApp) -> ASGIApp:
    """The phone is for the people at this machine and for operators; its provider's side asks for a token itself."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        control = scope["type"] == "http" and request.url.path.startswith(f"{path}/_control")
        foreign = request.headers.get("origin") not in (None, f"{request.url.scheme}://{request.url.netloc}")
        if control and (foreign or not await _may(access, request, path)):
            await problem(403, "the simulator is open to this machine and to operators")(scope, receive, send)
        else:
            await phone(scope, receive, send)

    return guard


async def _may(access: Access, request: Request, path: str) -> bool:
    """Whoever has logged in sees their bots, and writes to them unless they only read; anybody at this machine may."""
    operator = await access.operator(request)
    if operator is None:
        return is_local(request)
    account = request.url.path.removeprefix(f"{path}/_control/").partition("/")[0]
    prefix = next((p for p in sorted(SIMULATED.values(), key=len, reverse=True) if account.startswith(p)), "")
    return operator.sees(account.removeprefix(prefix)) and (operator.role != "read_only" or request.method in READS)
