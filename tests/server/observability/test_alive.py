"""A worker says that it lives by the age of a file, whether or not Redis answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.fakes.serving import free_port
from tests.support.stack import environment
from tests.support.waiting import until


async def test_a_worker_shows_that_it_lives_while_redis_is_away_and_ends_when_told(tmp_path: Path):
    sign = tmp_path / "alive"
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    env = environment(tmp_path, 1, REDIS_URL=nobody, ALIVE_FILE=str(sign))
    with open(tmp_path / "log", "wb") as log:
        worker = subprocess.Popen([sys.executable, "-m", "server", "work"], env=env, stdout=log, stderr=log)
    try:
        await until(sign.exists, 60)
        os.utime(sign, (0, 0))
        await until(lambda: sign.stat().st_mtime > 0, 60)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0, (tmp_path / "log").read_text()[-3000:]
    finally:
        worker.kill()
        worker.wait()
