"""A picture on a machine without OCR is read by the bot's own model, once, and on its bill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from agent.context import Context
from knowledge_base.document import Unreadable
from knowledge_base.embed import bundled
from knowledge_base.library import Library
from server.bots.bot import Bot
from server.bots.knowledge import RedisStore
from server.config.settings import Settings
from server.observability.costs import Spending
from server.operators.knowledge.pictures import PictureReader
from tests.fakes.openai_wire import FakeOpenAI, error, message
from tests.fakes.serving import served
from tests.knowledge_base.files import picture

TABLE = "| Service | Price |\n|---|---|\n| Haircut | 25 EUR |\n| Colouring | 60 EUR |"


@pytest.fixture
def provider() -> Iterator[tuple[FakeOpenAI, str]]:
    model = FakeOpenAI()
    model.answer = lambda request: message(TABLE)
    with served(model.app) as url:
        yield model, f"{url}/v1"


@pytest.fixture
def without_ocr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    return picture(tmp_path / "photo.png", ["Haircut 25 EUR"])


def settings(url: str) -> Settings:
    return Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        openai_api_key="sk",  # pyright: ignore[reportArgumentType]
        openai_base_url=url,
        model_rest_seconds=0,
    )


def bot(**context: object) -> Bot:
    return Bot(id="salon", context=Context(model="openai:gpt-4.1-mini", **context))  # pyright: ignore[reportArgumentType]


async def test_its_text_is_the_documents_and_the_call_is_billed(
    without_ocr: Path, redis: Redis, provider: tuple[FakeOpenAI, str]
):
    model, url = provider
    shelf, reader = Library(RedisStore(redis), bundled()), PictureReader(settings(url), redis)
    kept = await shelf.add("salon", without_ocr, sees=reader.of(bot()))
    assert [(p.name, str(p.price)) for p in kept.products] == [("Haircut", "25"), ("Colouring", "60")]
    assert kept.problems == ["photo.png: page 1 was read by openai:gpt-4.1-mini, check it"]
    assert kept.words == kept.words_kept > 0
    [asked] = model.requests
    assert "data:image/jpeg;base64," in json.dumps(asked["messages"][-1])
    spent = await Spending(settings(url), redis).of("salon")
    assert (spent.calls, spent.input_tokens) == (1, 104) and spent.cost > 0
    await shelf.add("salon", without_ocr, sees=reader.of(bot()))
    assert len(model.requests) == 1


async def test_a_scan_costs_a_call_a_page(without_ocr: Path, redis: Redis, provider: tuple[FakeOpenAI, str]):
    from PIL import Image

    photo = Image.open(without_ocr).convert("RGB")
    scan = without_ocr.with_name("scan.pdf")
    photo.save(scan, "PDF", resolution=150, save_all=True, append_images=[photo])
    model, url = provider
    shelf, reader = Library(RedisStore(redis), bundled()), PictureReader(settings(url), redis)
    kept = await shelf.add("salon", scan, sees=reader.of(bot()))
    assert len(model.requests) == 2 and len(kept.products) == 4 and len(kept.problems) == 2


async def test_a_model_that_sees_none_is_not_believed(
    without_ocr: Path, redis: Redis, provider: tuple[FakeOpenAI, str]
):
    model, url = provider

    def blind(request: dict) -> object:
        if "image_url" in json.dumps(request["messages"]):
            return error(400, "invalid_request_error", None, "this model does not support image input")
        return message("I see a cat")

    model.answer = blind  # pyright: ignore[reportAttributeAccessIssue]
    shelf, reader = Library(RedisStore(redis), bundled()), PictureReader(settings(url), redis)
    with pytest.raises(Unreadable, match=r"openai:gpt-4\.1-mini could not read"):
        await shelf.add("salon", without_ocr, sees=reader.of(bot()))
    assert await shelf.documents("salon") == []


async def test_without_either_it_is_refused(
    without_ocr: Path, redis: Redis, provider: tuple[FakeOpenAI, str]
):
    _, url = provider
    offline = Bot(id="salon", context=Context(model="offline"))
    sees = PictureReader(settings(url), redis).of(offline)
    assert sees is None
    with pytest.raises(Unreadable, match="give the bot a model that sees pictures, or send"):
        await Library(RedisStore(redis), bundled()).add("salon", without_ocr, sees=sees)
