"""The sealed wire of a Flow's data endpoint (WhatsApp Flows, "Implementing endpoints for Flows", request
decryption and response encryption).

A request is `{"encrypted_aes_key", "encrypted_flow_data", "initial_vector"}`, each in base64: an AES-128 key
under RSA-OAEP with SHA-256 (MGF1 too) to our key, the JSON under AES-GCM with that key and a tag of 16 bytes
behind it. The answer is under the same AES key, with every bit of the initial vector flipped, in base64 as
plain text."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from channels.json_parts import as_dict, object_of

# Bytes of the AES key and of the initial vector; the shortest key that Meta takes, bits.
AES_KEY, VECTOR, SHORTEST_KEY = 16, 16, 2048
_OAEP = padding.OAEP(mgf=padding.MGF1(algorithm=SHA256()), algorithm=SHA256(), label=None)


class BadFlowKey(ValueError):
    """A private key that cannot be used; the message says why, without a letter of it."""


class NotForUs(ValueError):
    """A request that our key does not open: the phone has to fetch our public key anew (HTTP 421)."""


class Misshapen(ValueError):
    """A request that is not as the reference has it."""


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What a request said, and what seals its answer."""

    said: dict[str, Any]
    key: bytes = field(repr=False)
    vector: bytes = field(repr=False)

    def sealed(self, answer: dict[str, Any]) -> str:
        """An answer as it goes out."""
        flipped = bytes(byte ^ 0xFF for byte in self.vector)
        plain = json.dumps(answer, ensure_ascii=False).encode()
        return base64.b64encode(AESGCM(self.key).encrypt(flipped, plain, None)).decode()


def flow_key(pem: bytes, passphrase: str = "") -> RSAPrivateKey:
    """A private key in PEM. Raises BadFlowKey."""
    try:
        found = load_pem_private_key(pem, passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        why = "its passphrase is missing or wrong" if b"ENCRYPTED" in pem else "it is no private key in PEM"
        raise BadFlowKey(why) from error
    if not isinstance(found, RSAPrivateKey) or found.key_size < SHORTEST_KEY:
        raise BadFlowKey(f"it is no RSA key of at least {SHORTEST_KEY} bits")
    return found


def unseal(body: bytes, key: RSAPrivateKey) -> Unsealed:
    """Open a request. Raises Misshapen, and NotForUs for what this key does not open or was tampered with."""
    try:
        sealed = object_of(body)
        parts = [
            _bytes(sealed, name) for name in ("encrypted_aes_key", "encrypted_flow_data", "initial_vector")
        ]
    except ValueError as error:
        raise Misshapen(str(error)) from None
    wrapped, data, vector = parts
    if len(vector) != VECTOR:
        raise Misshapen(f"initial_vector: {len(vector)} bytes, not {VECTOR}")
    try:
        aes = key.decrypt(wrapped, _OAEP)
        if len(aes) != AES_KEY:
            raise NotForUs("the key inside is no AES-128 key")
        plain = AESGCM(aes).decrypt(vector, data, None)
    except (ValueError, InvalidTag):
        raise NotForUs("our key does not open it, or it was changed on its way") from None
    try:
        said: object = json.loads(plain)
    except (ValueError, RecursionError):
        raise Misshapen("what it says is no JSON") from None
    if not isinstance(said, dict):
        raise Misshapen("what it says is no JSON object")
    return Unsealed(as_dict(cast(object, said)), aes, vector)


def _bytes(sealed: dict[str, Any], name: str) -> bytes:
    value = sealed.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise ValueError(f"{name} is not base64") from None
