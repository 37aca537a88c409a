"""Real parts for every test: a Redis-protocol server, the embedded one over its socket or the one that
TEST_REDIS_URL names (which is emptied), where each process of the tests has a database of its own."""

from __future__ import annotations

import functools
import logging
import os
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest
import structlog
from hypothesis import HealthCheck, settings
from playwright.async_api import Browser, Page, async_playwright, expect
from redis.asyncio import Redis

from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from server.store import readable
from server.store.client import client as connected
from server.store.embedded import EmbeddedRedis
from tests.fakes.openai_wire import polite
from tests.fakes.serving import served
from tests.support.browser.chromium import CHROMIUM
from tests.support.servers import postgres
from tests.support.shop.bots import TOKEN
from tests.support.stack import Stack, product, redis_of

# Hundreds of processes are started here: each would compile the whole product anew where this is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Every client of HTTP reads all certificates of the machine for itself, and hundreds are made here.
ssl.create_default_context = functools.cache(ssl.create_default_context)

# A loaded machine is no failure of the code, of a page as little as of a property. CI tries more examples.
settings.register_profile(
    "salesgraph",
    deadline=None,
    max_examples=100 if os.environ.get("CI") else 30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("salesgraph")
expect.set_options(timeout=60_000)


def _log_plainly() -> None:
    """A traceback with all that every name stood for, as structlog makes it by itself, takes seconds each."""
    structlog.reset_defaults()
    *before, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*before, plain])


@pytest.fixture(autouse=True)
def process_as_it_was() -> Iterator[None]:
    """A command that was run in this process has left its logs on a standard error that is closed, and what
    it could not read among the alerts."""
    _log_plainly()
    yield
    readable.met.clear()
    root = logging.getLogger()
    for handler in [h for h in root.handlers if type(h) is logging.StreamHandler]:
        root.removeHandler(handler)


@pytest.fixture(scope="session")
def redis_url(worker_id: str) -> Iterator[str]:
    if given := os.environ.get("TEST_REDIS_URL"):
        yield f"{given.rstrip('/')}/{1 + int(worker_id.removeprefix('gw')) if worker_id != 'master' else 0}"
        return
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        server = EmbeddedRedis(Path(folder))
        yield server.start()
        server.stop()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    client = cast(Redis, connected(redis_url))
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def running() -> Iterator[Stack]:
    """One running product for all tests of its outside."""
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


@pytest.fixture
async def no_templates(stack: Stack) -> AsyncIterator[None]:
    """Nobody has made a message template yet."""
    stack.emulator.templates.clear()
    async with redis_of(stack) as redis:
        await redis.delete("sg:{default}:templates")
    yield
    stack.emulator.templates.clear()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server with pgvector; where none is to be had, its tests are skipped."""
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    folder = postgres.programs()
    if folder is None:
        pytest.skip("no PostgreSQL server with pgvector is on this machine")
    with postgres.running(folder) as url:
        yield url


@pytest.fixture(scope="session")
def external_data() -> Path:
    """The evaluation data; absent on a newcomer's machine, required where SALESGRAPH_DATA says it is."""
    folder = os.environ.get("SALESGRAPH_DATA")
    if not folder:
        pytest.skip("SALESGRAPH_DATA is not set: tests on real inputs are left out")
    path = Path(folder).resolve()
    assert path.is_dir(), f"SALESGRAPH_DATA names {folder}, which is not a folder"
    return path


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    assert CHROMIUM, "CI needs a browser: install the package chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> Page:
    return await browser.new_page(viewport={"width": 390, "height": 844})


@pytest.fixture(scope="module")
def wappi() -> Iterator[tuple[WappiEmulator, str]]:
    """Wappi, and its address."""
    emulator = WappiEmulator(TOKEN, lambda _: "")
    with served(emulator.app) as url:
        yield emulator, url


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[WahaEmulator, str]]:
    """A WAHA gateway, and its address."""
    emulator = WahaEmulator("gateway-key")
    with served(emulator.app) as url:
        yield emulator, url


@pytest.fixture
async def bots(stack: Stack) -> AsyncIterator[list[str]]:
    """Ids of bots that are gone after the test."""
    made: list[str] = []
    yield made
    for bot_id in made:
        await stack.http.delete(f"/api/bots/{bot_id}", params={"erase": True})
