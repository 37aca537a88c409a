"""Whether a provider's webhooks reach us, as the bot's page says it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from server.config.settings import Settings
from server.web.webhook_check import ask_webhook


def settings(folder: Path, **more: str) -> Settings:
    return Settings(_env_file=None, data_dir=folder, **more)  # pyright: ignore[reportArgumentType]


KNOWN = {"public_url": "https://shop.example/", "whatsapp_webhook_verify_token": "word"}


async def test_an_address_that_repeats_the_challenge_is_verified(tmp_path: Path):
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith("https://shop.example/webhook?")
        right = request.url.params["hub.verify_token"] == "word"
        return httpx.Response(200 if right else 403, text=request.url.params["hub.challenge"])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        found = await ask_webhook(settings(tmp_path, **KNOWN), http)
    assert found.verified and found.outside == "https://shop.example" and not found.problem


@pytest.mark.parametrize(
    ("said", "answer", "problem"),
    [
        ({}, None, "PUBLIC_URL"),
        ({"public_url": "https://shop.example"}, None, "WHATSAPP_WEBHOOK_VERIFY_TOKEN"),
        (KNOWN, httpx.Response(200, text="another site"), "not what this server says"),
        (KNOWN, httpx.Response(403), "HTTP 403"),
        (KNOWN, None, "no answer"),
    ],
)
async def test_any_other_says_what_to_do(
    tmp_path: Path, said: dict[str, str], answer: httpx.Response | None, problem: str
):
    def respond(request: httpx.Request) -> httpx.Response:
        if answer is None:
            raise httpx.ConnectError("refused", request=request)
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        found = await ask_webhook(settings(tmp_path, **said), http)
    assert not found.verified and problem in found.problem
