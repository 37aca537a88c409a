"""One emulated provider of each kind for all tests of channels."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.channels.wires import Provider, provider


@pytest.fixture(scope="session")
async def cloud_api() -> AsyncIterator[Provider]:
    async with provider("cloud_api") as made:
        yield made


@pytest.fixture(scope="session")
async def wappi() -> AsyncIterator[Provider]:
    async with provider("wappi") as made:
        yield made


@pytest.fixture(scope="session")
async def waha() -> AsyncIterator[Provider]:
    async with provider("waha") as made:
        yield made
