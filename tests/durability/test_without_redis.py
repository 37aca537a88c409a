"""Redis away: health and webhooks say 503, so that Meta tries again; Redis back: all goes on."""

from __future__ import annotations

import hashlib
import hmac
import json
import tempfile
from pathlib import Path

import httpx

from server.config.settings import Settings
from server.store.client import client as connected
from server.store.embedded import EmbeddedRedis
from server.web.app import create
from tests.support.stack import text, webhook


async def test_503_while_redis_is_away_and_recovery():
    with tempfile.TemporaryDirectory(prefix="sg") as folder:
        embedded = EmbeddedRedis(Path(folder))
        redis = connected(embedded.url)
        settings = Settings(
            _env_file=None,
            data_dir=Path(folder),
            api_token="token",
            whatsapp_app_secret="secret",  # pyright: ignore[reportCallIssue, reportArgumentType]
            whatsapp_phone_number_id="42",
        )
        body = json.dumps(webhook(text("77010000001", "hello", "wamid.1"), number="42")).encode()
        signed = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"secret", body, hashlib.sha256).hexdigest()}
        transport = httpx.ASGITransport(app=create(settings, redis), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://test", headers={"Authorization": "Bearer token"}
        ) as client:
            assert (await client.get("/health")).status_code == 503
            assert (await client.get("/alive")).status_code == 200
            assert (await client.post("/webhook", content=body, headers=signed)).status_code == 503
            problem = await client.get("/api/stats")
            assert (problem.status_code, problem.headers["content-type"]) == (503, "application/problem+json")
            embedded.start()
            assert (await client.get("/health")).json()["status"] == "ok"
            assert (await client.post("/webhook", content=body, headers=signed)).status_code == 200
            assert (await client.get("/api/stats")).json()["conversations"] == 1
            assert b"salesgraph_waiting" in (await client.get("/metrics")).content
        await redis.aclose()
        embedded.stop()
