"""Meta's signature of a form's token, which shows that a call of the data endpoint comes from whoever got the
form (WhatsApp Flows, "Implementing endpoints for Flows", "Flow token signature"; from version 4.0 of the data
API on).

It is a JSON Web Token (RFC 7515, compact form) under HS256 with the secret of the app; its payload has the
`flow_token`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from channels.json_parts import as_dict, object_of

ALGORITHM = "HS256"


class BadTokenSignature(ValueError):
    """A signature of a form's token that is not Meta's, or is of another token; the message says why."""


def check_token_signature(signature: object, token: str, secret: str) -> None:
    """Raises BadTokenSignature unless `secret`, that of the app, signed this `token`."""
    parts = signature.split(".") if isinstance(signature, str) else []
    if len(parts) != 3:
        raise BadTokenSignature("it has not three parts")
    header, payload, signed = parts
    try:
        algorithm = object_of(_bytes(header)).get("alg")
        said = object_of(_bytes(payload))
        given = _bytes(signed)
    except ValueError as error:
        raise BadTokenSignature(str(error)[:100]) from None
    if algorithm != ALGORITHM:
        raise BadTokenSignature(f"it is not under {ALGORITHM}")
    made = hmac.new(secret.encode(), f"{header}.{payload}".encode(), hashlib.sha256).digest()
    if not secret or not hmac.compare_digest(made, given):
        raise BadTokenSignature("the secret of the app did not sign it")
    if as_dict(said).get("flow_token") != token:
        raise BadTokenSignature("it is of another token")


def _bytes(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a part of it is not base64url") from None
