"""Whether the web server may listen where HOST says."""

from __future__ import annotations

from pathlib import Path

from server.config.addresses import is_loopback
from server.config.settings import Settings

# Characters of a token that nobody guesses, however often they may try.
UNGUESSABLE = 24


def exposed(settings: Settings) -> str:
    """Why the web server must not listen where HOST says, or nothing: whoever can read a made-up token, or
    guess a short one, would own it."""
    path: Path = settings.data_dir / "api_token"
    if is_loopback(settings.host):
        return ""
    if settings.api_token:
        if len(settings.api_token.get_secret_value()) >= UNGUESSABLE:
            return ""
        return (
            f"API_TOKEN: {settings.host} is reachable by others, so it needs {UNGUESSABLE} characters at "
            "least; leave it out, and one is made"
        )
    if not path.exists() or not path.stat().st_mode & 0o077:
        return ""
    return (
        f"HOST: {settings.host} is reachable by others, and so is {path}; run: chmod 600 {path} (or set "
        "API_TOKEN)"
    )
