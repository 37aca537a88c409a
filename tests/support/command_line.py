"""The `salesgraph` command, in a folder and with settings of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli.main import app
from tests.support.stack import environment


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """A command in a folder, with these settings alone. The doctor, who is asked most, in this process: a new
    one takes seconds to begin."""
    env = environment(folder / "data", 0, **settings)
    env.pop("PORT") if "PORT" not in settings else None
    if arguments[0] == "doctor":
        return _doctor(folder, arguments, env)
    return subprocess.run(
        [sys.executable, "-m", "server", *arguments],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )


def _doctor(
    folder: Path, arguments: tuple[str, ...], env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        done = CliRunner().invoke(app, arguments)
    wrong = (
        ""
        if isinstance(done.exception, SystemExit | None)
        else "".join(traceback.format_exception(done.exception))
    )
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr + wrong)
