"""Secrets of an installation that are made on first use and kept in DATA_DIR."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path


def kept_secret(folder: Path, name: str) -> str:
    """The secret in `folder`/`name`, made when there is none, readable by our user alone. Raises OSError."""
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() and (kept := path.read_text(encoding="ascii").strip()):
        return kept
    handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}-")  # mode 600
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # whole or not at all, and only one of several processes wins
    except FileExistsError:
        if not path.read_text(encoding="ascii").strip():
            os.replace(draft, path)
    Path(draft).unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()
