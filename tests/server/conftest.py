"""One running product for all tests of its outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.openai_wire import polite
from tests.server.stack import Stack, product


@pytest.fixture(scope="session")
def running() -> Iterator[Stack]:
    with product() as stack:
        yield stack


@pytest.fixture
def stack(running: Stack) -> Iterator[Stack]:
    """The running product with a polite model and a well-behaved WhatsApp."""
    running.model.answer, running.model.hang = polite, 0.0
    running.model.heard = "what does delivery cost"
    running.model.requests.clear()
    running.emulator.faults.clear()
    yield running
