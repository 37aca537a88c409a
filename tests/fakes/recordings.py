"""An OGG with Opus that is as long as it says and holds nothing to be heard (RFC 3533, RFC 7845)."""

from __future__ import annotations

import struct


def _page(kind: int, samples: int, number: int, body: bytes) -> bytes:
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, kind, samples, 1, number, 0, 1)
    return head + bytes([len(body)]) + body


def opus(seconds: float) -> bytes:
    """A recording of so many seconds."""
    about = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    return _page(2, 0, 0, about) + _page(4, round(seconds * 48_000), 1, b"\xfc\xff\xfe")
