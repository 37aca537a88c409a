"""A PostgreSQL server with pgvector for tests: Debian's where it has the extension, else the one that the
wheel `pgserver` carries. As another user where we are root, for it refuses to run as root."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


def programs() -> Path | None:
    """Where `initdb` and `postgres` are, of a server that has pgvector."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in debian:
        shared = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "vector.control"
        if shared.exists():
            return folder
    found = importlib.util.find_spec("pgserver")
    if found and found.origin:
        return Path(found.origin).parent / "pginstall" / "bin"
    return None


@contextmanager
def running(bin_folder: Path) -> Iterator[str]:
    """A server of our own on a socket in a folder of its own; gives its address."""
    root = os.geteuid() == 0
    user = "nobody" if root else None
    with TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        folder = Path(name)
        if not bin_folder.is_relative_to("/usr"):  # where another user may not look
            package = bin_folder.parents[1]
            shutil.copytree(package, folder / package.name)
            libraries = package.with_name(f"{package.name}.libs")  # the programs look for them beside
            if libraries.is_dir():
                shutil.copytree(libraries, folder / libraries.name)
            bin_folder = folder / package.name / "pginstall" / "bin"
        data = folder / "data"
        data.mkdir()
        if root:
            for place in (folder, data):
                shutil.chown(place, user)
        subprocess.run(
            [bin_folder / "initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync", "-E", "UTF8"],
            check=True,
            user=user,
            capture_output=True,
            cwd=folder,
        )
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c shared_buffers=256MB"
        pg_ctl = [bin_folder / "pg_ctl", "-D", data]
        subprocess.run(
            [*pg_ctl, "-w", "-o", options, "-l", folder / "log", "start"],
            check=True,
            user=user,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            yield f"postgresql://shop@/postgres?host={folder}"
        finally:
            subprocess.run(
                [*pg_ctl, "-m", "immediate", "stop"],
                check=True,
                user=user,
                stdout=subprocess.DEVNULL,
                cwd=folder,
            )
