"""One running product for all tests of its outside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.emulators.cloud_api import CloudApiEmulator
from tests.fakes.openai_wire import FakeOpenAI, polite
from tests.fakes.serving import served
from tests.server.stack import SECRET, TOKEN, Stack


@pytest.fixture(scope="session")
def running() -> Iterator[Stack]:
    emulator, model = CloudApiEmulator("", SECRET, TOKEN), FakeOpenAI()
    with (
        tempfile.TemporaryDirectory(prefix="sg") as folder,
        served(emulator.app) as graph_url,
        served(model.app) as model_url,
    ):
        stack = Stack(Path(folder), emulator, graph_url, model, model_url)
        stack.start()
        yield stack
        stack.stop()


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    """The running product with a polite model and a well-behaved WhatsApp."""
    running.model.answer, running.model.hang = polite, 0.0
    running.model.heard = "what does delivery cost"
    running.model.requests.clear()
    running.emulator.faults.clear()
    yield running
