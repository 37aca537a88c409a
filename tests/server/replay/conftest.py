"""A chat model behind a real HTTP wire, and conversations in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.models.chat import Models, ProviderAccess
from agent.models.offline import offline_model
from server.replay.runs import KeptConversation
from server.replay.saved import parse_conversation
from server.replay.tape import Recorded
from tests.fakes.openai_wire import FakeOpenAI
from tests.fakes.serving import served

ROOT = Path(__file__).parents[3]
SHOP = 'bot: {business: "Aurora Coffee, machines", verify_model: off}\n'


@pytest.fixture
def provider() -> Iterator[tuple[FakeOpenAI, str]]:
    """A provider and its address."""
    fake = FakeOpenAI()
    with served(fake.app) as url:
        yield fake, f"{url}/v1"


@pytest.fixture
def live(provider: tuple[FakeOpenAI, str]) -> Models:
    """The models of somebody with a key."""
    access = ProviderAccess(openai_key="sk-test", openai_url=provider[1], timeout=10)
    return Models(offline_model(), "openai:gpt-4.1-mini", None, access)


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., KeptConversation]:
    """A saved conversation from the text of its turns."""

    def make(
        turns: str, name: str = "talk", head: str = SHOP, tape: Recorded | None = None
    ) -> KeptConversation:
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"about: A talk.\n{head}turns:\n{turns}", encoding="utf-8")
        return KeptConversation(
            path, parse_conversation(path.read_text(encoding="utf-8"), path.name), tape or Recorded()
        )

    return make


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`salesgraph ...` in a copy of the project, so that its prompts can be edited; `given` is its standard
    input."""
    home = tmp_path / "project"
    copied = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    files = copied.stdout.splitlines() or [
        str(p.relative_to(ROOT)) for p in ROOT.rglob("*.*") if ".venv" not in p.parts
    ]
    wanted = ("agent/", "server/", "channels/", "tools/", "knowledge_base/", "tests/conversations/")
    for name in files:
        if name.startswith(wanted) and (ROOT / name).is_file():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_bytes((ROOT / name).read_bytes())

    def run(*args: str, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("OPENAI", "GEMINI", "GOOGLE_API", "CHAT_MODEL"))
        }
        return subprocess.run(
            [sys.executable, "-c", "from server.cli.main import main; main()", *args],
            cwd=home,
            env={**kept, "DATA_DIR": str(tmp_path / "data"), "COLUMNS": "200", **env},
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
