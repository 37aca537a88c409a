"""A phone that calls the data endpoint of a Flow, over the emulator's end of the sealed wire."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from channels.emulators.meta.flow_wire import sealed_call


def new_key() -> tuple[str, rsa.RSAPublicKey]:
    """(private key in PEM, its public half)."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), made.public_key()


class FlowPhone:
    """Asks a data endpoint at `url` for screens, signed with the app's `secret`."""

    def __init__(self, http: httpx.AsyncClient, url: str, secret: str, public: rsa.RSAPublicKey) -> None:
        self._http, self._url, self._secret, self._public = http, url, secret, public
        self.status = 0
        self.more: dict[str, Any] = {"version": "3.0"}

    async def asks(self, action: str, screen: str = "", token: str = "", **data: Any) -> dict[str, Any]:
        """What the endpoint answers, opened; empty where its answer is not sealed."""
        said = {"action": action, "screen": screen, "data": data, "flow_token": token, **self.more}
        call = sealed_call(said, self._public)
        answer = await self.posts(call.body)
        self.status = answer.status_code
        return call.opened(answer.text) if answer.status_code in (200, 427) else {}

    async def posts(self, body: bytes, secret: str = "") -> httpx.Response:
        """Bytes as they are, signed."""
        signed = hmac.new((secret or self._secret).encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signed}", "Content-Type": "application/json"}
        return await self._http.post(self._url, content=body, headers=headers)
