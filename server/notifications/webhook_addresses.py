"""Whither an outgoing webhook may go: not into private networks, unless HOOKS_PRIVATE says so."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from server.config.settings import Settings

# Seconds that the look-up of a name may take.
SECONDS = 10
# Of version 6 only what is given out to networks (IANA, "IPv6 Global Unicast Address Assignments") is asked:
# everything else leads inside, or nowhere. What is inside that and yet may lead to addresses of version 4:
# Teredo, 6to4 (RFC 4380, 3056).
GIVEN_OUT = ipaddress.ip_network("2000::/3")
LED_INSIDE = [
    ipaddress.ip_network(n) for n in ("2001::/32", "2002::/16", "192.0.0.0/24", "192.88.99.0/24", "3fff::/20")
]


class Forbidden(ValueError):
    """An address that must not be asked; the message says why."""


async def check_address(settings: Settings, url: str) -> None:
    """Raises Forbidden for what is no address of http or https, and for one that leads into a private
    network."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Forbidden("use an address such as https://crm.example/hooks/salesgraph") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise Forbidden("use an address such as https://crm.example/hooks/salesgraph")
    if settings.hooks_private:
        return
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        asked = asyncio.get_running_loop().getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        found = await asyncio.wait_for(asked, SECONDS)
    except TimeoutError:
        raise Forbidden(f"{parts.hostname} was not found in time") from None
    except (OSError, ValueError, UnicodeError):
        raise Forbidden(f"{parts.hostname} cannot be found") from None
    for _, _, _, _, address in found:
        _public(str(address[0]))


def _public(address: str) -> None:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    led = any(ip in network for network in LED_INSIDE if network.version == ip.version)
    strange = mapped.version == 6 and mapped not in GIVEN_OUT
    if not mapped.is_global or mapped.is_multicast or led or strange:
        raise Forbidden("the address is in a private network; HOOKS_PRIVATE=true allows that")


class PublicOnly(AbstractResolver):
    """Names as they are when the connection is made: one that has changed since it was looked at leads
    nowhere private."""

    def __init__(self) -> None:
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name. Raises Forbidden when one of them leads inside."""
        found = await self._inner.resolve(host, port, family)
        for row in found:
            _public(row["host"])
        return found

    async def close(self) -> None:
        """Nothing is asked any more."""
        await self._inner.close()
