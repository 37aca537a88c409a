"""Whether a linked phone is linked: two bad answers before anybody is alerted, and sessions put up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from channels.base import LinkChange
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from channels.emulators.wappi_account import Profile
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.config.settings import Settings
from server.pipeline.account import linked_sessions
from server.store import alerts


class House:
    """The default bot on a Wappi profile and on a QR-linked session."""

    def __init__(self, redis: Redis, folder: Path) -> None:
        self.redis = redis
        self.wappi, self.waha = WappiEmulator("token", lambda _: ""), WahaEmulator("key")
        mounts = {
            "all://wappi": httpx.ASGITransport(self.wappi.app),
            "all://waha": httpx.ASGITransport(self.waha.app),
        }
        self.client = httpx.AsyncClient(mounts=mounts)
        self.settings = Settings(
            _env_file=None,  # pyright: ignore[reportCallIssue]
            data_dir=folder,
            wappi_token="token",  # pyright: ignore[reportArgumentType]
            wappi_profile_id="profile",
            wappi_url="http://wappi",
            waha_url="http://waha",
            waha_api_key="key",  # pyright: ignore[reportArgumentType]
        )
        self.router = ChannelRouter(self.settings, self.client, [])
        self.runtime = BotRegistry(self.settings, redis, self.router)["default"]

    def channel(self, account: str) -> Any:
        return self.router.channel("default", account)

    async def check(self, account: str) -> LinkChange:
        return await linked_sessions.check_session(self.runtime, account, self.channel(account))

    async def alerts(self) -> list[str]:
        return [row["text"] for row in await alerts.all_alerts(self.redis)]


@pytest.fixture
async def house(redis: Redis, tmp_path: Path) -> AsyncIterator[House]:
    made = House(redis, tmp_path)
    yield made
    await made.client.aclose()


async def test_a_flap_alerts_nobody_and_two_bad_answers_do_once(house: House):
    profile = house.wappi.profile("profile")
    for status, alerted in (
        ("connecting", 0),
        ("open", 0),
        ("connecting", 0),
        ("connecting", 1),
        ("connecting", 1),
        ("open", 0),
    ):
        profile.settings.app_status = status
        await house.check("profile")
        assert len(await house.alerts()) == alerted


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"paid_until": "2020-01-01T00:00:00+00:00"}, "pay for the profile"),
        ({"authorized": False}, "scan the code"),
    ],
)
async def test_an_alert_says_what_to_do(house: House, changes: dict, words: str):
    house.wappi.profile("profile").settings = Profile.model_validate(changes)
    await house.check("profile")
    await house.check("profile")
    (text,) = await house.alerts()
    assert words in text and "default" in text


async def test_what_a_webhook_says_counts_too(house: House):
    for _ in range(2):
        await linked_sessions.record_session_state(
            house.runtime, LinkChange(account="profile", state="disconnected", reason="logout")
        )
    assert len(await house.alerts()) == 1
    await linked_sessions.record_session_state(
        house.runtime, LinkChange(account="profile", state="connected")
    )
    assert await house.alerts() == []


async def test_a_provider_that_does_not_answer_is_a_bad_answer(house: House):
    house.channel("profile")._client = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(502))
    )
    change = await house.check("profile")
    assert (change.state, await house.alerts()) == ("failed", [])
    await house.check("profile")
    assert len(await house.alerts()) == 1


async def test_a_session_that_nobody_stopped_is_put_up_and_one_that_somebody_did_is_not(house: House):
    assert (await house.check("default")).state == "stopped"
    assert house.waha.sessions["default"].status == "SCAN_QR_CODE"
    house.waha.scan("default")
    assert (await house.check("default")).state == "connected"
    house.waha.sessions["default"].status = "FAILED"
    await house.check("default")
    assert house.waha.sessions["default"].status == "WORKING"
    await linked_sessions.want(house.runtime, "default", False)
    house.waha.sessions["default"].status = "STOPPED"
    await house.check("default")
    assert house.waha.sessions["default"].status == "STOPPED"


async def test_codes_nobody_scanned_are_not_shown_for_ever(house: House):
    await house.check("default")
    house.waha.sessions["default"].rotated = 6
    assert (await house.check("default")).state == "failed"
    assert house.waha.sessions["default"].status == "FAILED"


async def test_somebody_who_looks_all_the_time_alerts_nobody(house: House):
    house.wappi.profile("profile").settings.authorized = False
    for _ in range(5):
        await linked_sessions.check_session(house.runtime, "profile", house.channel("profile"), counts=False)
    assert await house.alerts() == []
