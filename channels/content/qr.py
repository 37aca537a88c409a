"""A text as the picture that a phone scans."""

from __future__ import annotations

import io

import segno


def png_of(text: str) -> bytes:
    """A QR code as PNG."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="png", scale=6, border=3)
    return out.getvalue()
