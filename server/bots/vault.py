"""The bots' credentials at rest: encrypted in Redis, opened only in memory."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.fernet import Fernet, InvalidToken


class WrongKey(ValueError):
    """What was sealed under another key."""


class Vault:
    """Seals under one key: Fernet (AES-128-CBC with HMAC-SHA256, cryptography.io) with a key derived from any
    text."""

    def __init__(self, key: str) -> None:
        digest = hashlib.scrypt(key.encode(), salt=b"salesgraph vault", n=2**14, r=8, p=1, dklen=32)
        self._fernet = Fernet(base64.urlsafe_b64encode(digest))

    def seal(self, secrets: dict[str, str]) -> str:
        """Secrets by name as one unreadable text; empty for none."""
        return self._fernet.encrypt(json.dumps(secrets).encode()).decode() if secrets else ""

    def open(self, sealed: str) -> dict[str, str]:
        """What was sealed. Raises WrongKey."""
        if not sealed:
            return {}
        try:
            return json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            raise WrongKey("SECRETS_KEY: not the key these credentials were stored under") from None
