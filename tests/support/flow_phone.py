"""A phone that fills in a Flow with a data endpoint: Meta's side of its sealed wire, written from the
reference and not from our code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def new_key() -> tuple[str, rsa.RSAPublicKey]:
    """(private key in PEM, its public half)."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), made.public_key()


def sealed(said: dict[str, Any], public: rsa.RSAPublicKey) -> tuple[dict[str, str], bytes, bytes]:
    """(the request, the AES key, the initial vector)."""
    key, vector = os.urandom(16), os.urandom(16)
    encryptor = Cipher(algorithms.AES(key), modes.GCM(vector)).encryptor()
    data = encryptor.update(json.dumps(said).encode()) + encryptor.finalize() + encryptor.tag
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    parts = {
        "encrypted_aes_key": public.encrypt(key, oaep),
        "encrypted_flow_data": data,
        "initial_vector": vector,
    }
    return {name: base64.b64encode(part).decode() for name, part in parts.items()}, key, vector


def opened(answer: str, key: bytes, vector: bytes) -> dict[str, Any]:
    """What an answer says."""
    raw = base64.b64decode(answer)
    flipped = bytes(~byte & 0xFF for byte in vector)
    decryptor = Cipher(algorithms.AES(key), modes.GCM(flipped, raw[-16:])).decryptor()
    return json.loads(decryptor.update(raw[:-16]) + decryptor.finalize())


class FlowPhone:
    """Asks a data endpoint at `url` for screens, signed with the app's `secret`."""

    def __init__(self, http: httpx.AsyncClient, url: str, secret: str, public: rsa.RSAPublicKey) -> None:
        self._http, self._url, self._secret, self._public = http, url, secret, public
        self.status = 0

    async def asks(self, action: str, screen: str = "", token: str = "", **data: Any) -> dict[str, Any]:
        """What the endpoint answers, opened; empty where its answer is not sealed."""
        said = {"version": "3.0", "action": action, "screen": screen, "data": data, "flow_token": token}
        body, key, vector = sealed(said, self._public)
        answer = await self.posts(json.dumps(body).encode())
        self.status = answer.status_code
        return opened(answer.text, key, vector) if answer.status_code in (200, 427) else {}

    async def posts(self, body: bytes, secret: str = "") -> httpx.Response:
        """Bytes as they are, signed."""
        signed = hmac.new((secret or self._secret).encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signed}", "Content-Type": "application/json"}
        return await self._http.post(self._url, content=body, headers=headers)
