"""A client for Python, generated from the API's description as docs/api.md says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.people.customers import talk
from tests.support.stack import API, Stack

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SCHEMA = ROOT / ".venv/schema/bin"
GENERATOR = SCHEMA / "openapi-python-client"
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8").split("\n## A typed client\n")[1].split("\n## ")[0]


def block(language: str) -> str:
    """What the page says in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.skipif(
    not GENERATOR.exists() and not os.environ.get("CI"),
    reason="openapi-python-client is not there: run make test",
)
async def test_a_generated_client_type_checks_and_reads_conversations(stack: Stack, tmp_path: Path):
    contact, _ = await talk(stack, "a word that nobody else says", name="Typed Client")
    (tmp_path / "client.yaml").write_text(block("yaml"))
    (tmp_path / "use.py").write_text(block("python").replace("http://127.0.0.1:8000", stack.url))
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    environment = {**os.environ, "PATH": f"{SCHEMA}:{os.environ['PATH']}", "API_TOKEN": API}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return done.stdout

    command = block("bash").replace("http://127.0.0.1:8000", stack.url).split()
    run(*command, "--fail-on-warning")
    assert len(list((tmp_path / "salesgraph_client/api").rglob("*_*.py"))) > 70
    run(sys.executable, "-m", "pyright", "--pythonpath", str(SCHEMA / "python"), ".")
    said = run(str(SCHEMA / "python"), "use.py")
    assert "Typed Client " in said and stack.replies(contact)[-1].splitlines()[0] in said
