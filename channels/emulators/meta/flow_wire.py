"""The phone's end of a data endpoint's sealed wire (WhatsApp Flows, "Implementing endpoints for Flows"),
written from the reference and not from our side of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# Bytes of the key and the initial vector that a phone makes for each request.
FRESH = 16


@dataclass(frozen=True, slots=True)
class SealedCall:
    """A request as it travels, and what opens its answer."""

    body: bytes
    key: bytes
    vector: bytes

    def opened(self, answer: str) -> dict[str, Any]:
        """What an answer says. Raises ValueError for one that is not sealed for this request."""
        raw = base64.b64decode(answer, validate=True)
        flipped = bytes(~byte & 0xFF for byte in self.vector)
        decryptor = Cipher(algorithms.AES(self.key), modes.GCM(flipped, raw[-16:])).decryptor()
        try:
            said: dict[str, Any] = json.loads(decryptor.update(raw[:-16]) + decryptor.finalize())
        except InvalidTag:
            raise ValueError("it is sealed with another key") from None
        return said


def sealed_call(said: dict[str, Any], public: rsa.RSAPublicKey) -> SealedCall:
    """A request that only the holder of the private key can read."""
    key, vector = os.urandom(FRESH), os.urandom(FRESH)
    encryptor = Cipher(algorithms.AES(key), modes.GCM(vector)).encryptor()
    data = encryptor.update(json.dumps(said).encode()) + encryptor.finalize() + encryptor.tag
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    parts = {
        "encrypted_aes_key": public.encrypt(key, oaep),
        "encrypted_flow_data": data,
        "initial_vector": vector,
    }
    body = {name: base64.b64encode(part).decode() for name, part in parts.items()}
    return SealedCall(json.dumps(body).encode(), key, vector)


def signed_token(token: str, secret: str) -> str:
    """The `flow_token_signature` of a token ("Flow token signature"): a JSON Web Token under HS256 with the
    secret of the app, its payload the token."""
    said = [{"alg": "HS256", "typ": "JWT"}, {"flow_token": token}]
    front = ".".join(_url_safe(json.dumps(part).encode()) for part in said)
    return f"{front}.{_url_safe(hmac.digest(secret.encode(), front.encode(), hashlib.sha256))}"


def _url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
