"""ChannelRouter without Meta: sends whose answer was lost, the limit of a minute, groups, and who is answered
at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from channels.base import Message, Recipient
from channels.content.media import Text
from channels.emulators.base import SendFault, Written
from channels.emulators.waha import WahaEmulator
from channels.emulators.wappi import WappiEmulator
from channels.waha_webhook import signature
from server.bots.bot import build_bot
from server.bots.registry import BotRegistry
from server.bots.routing import ChannelRouter
from server.config.settings import Settings
from server.conversations.outbox import post
from server.outreach.rules import decide_touch
from server.pipeline.intake import receive
from server.pipeline.sender import send_head
from server.store.records import Contact, Plan, Reply
from tests.support.waiting import until

PROFILE, CONTACT = "profile-1", "77015550101"


class House:
    """A bot on a Wappi profile or a QR-linked session, and its emulated provider, whose webhooks are put in
    by hand."""

    def __init__(self, redis: Redis, folder: Path, kind: str, **config: Any) -> None:
        self.redis, self.kind, self.hooks = redis, kind, []
        self.emulator: Any = (
            WappiEmulator("token", lambda _: "http://sink/")
            if kind == "wappi"
            else WahaEmulator("token", ready=PROFILE, webhook="http://sink/", hmac_key="hmac")
        )
        self.emulator.http = httpx.AsyncClient(transport=httpx.MockTransport(self._hook))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.emulator.app))
        settings = Settings(_env_file=None, data_dir=folder, debounce_seconds=0)  # pyright: ignore[reportCallIssue]
        self.router = ChannelRouter(settings, self.client, [])
        self.registry = BotRegistry(settings, redis, self.router)
        channel = (
            {
                "type": "wappi",
                "profile_id": PROFILE,
                "token": "token",
                "webhook_secret": "hush",
                "url": "http://wappi",
            }
            if kind == "wappi"
            else {
                "type": "waha",
                "session": PROFILE,
                "api_key": "token",
                "hmac_key": "hmac",
                "url": "http://waha",
            }
        )
        self.config = {"id": "shop", "channel": channel, **config}

    def _hook(self, request: httpx.Request) -> httpx.Response:
        self.hooks.append(request.content)
        return httpx.Response(200)

    async def open(self) -> House:
        await self.registry.put(self.config)
        self.runtime = self.registry["shop"]
        return self

    async def told(self) -> int:
        """Put every webhook in that has come; how many messages were new."""
        count = 0
        for body in self.hooks:
            headers = {"x-webhook-hmac": signature("hmac", body)}
            scope = (
                self.router.scope_at("wappi", "shop", "hush", body, {})
                if self.kind == "wappi"
                else self.router.scope("waha", body, headers)
            )
            assert scope
            count += await receive(scope.channel.parse(body), scope, self.registry)
        self.hooks.clear()
        return count

    async def reply(self, text: str, name: str = "t:0", contact: str = CONTACT) -> str:
        card = Message(id="x", account=PROFILE, kind="text", wa_id=contact)
        conversation = await self.runtime.conversations.identify(card)
        known = await self.runtime.conversations.contact(conversation)
        assert known
        await post(self.runtime, known, Reply(id=name, text=text))
        return conversation

    async def work(self) -> None:
        """Send what is due now."""
        for name in (await self.runtime.mailbox.claim(50)).ids:
            held = await self.runtime.mailbox.begin(name)
            while held.reply:
                if not await send_head(self.runtime, self.router, name, held.fence, held.reply, 0):
                    break
                held = await self.runtime.mailbox.begin(name, held.fence)

    def shown(self, chat: str = CONTACT) -> list[str]:
        return [b.text for b in self.emulator.phones.conversation(PROFILE, chat) if not b.mine]


@pytest.fixture(params=["wappi", "waha"])
async def house(request: pytest.FixtureRequest, redis: Redis, tmp_path: Path) -> AsyncIterator[House]:
    found = await House(redis, tmp_path, request.param, allow_group_messages=True).open()
    yield found
    await found.client.aclose()


async def test_a_send_whose_answer_was_lost_is_settled_by_its_echo(house: House):
    house.emulator.faults.append(SendFault(status=502, html=True, deliver=True))
    conversation = await house.reply("only once")
    await house.work()
    assert house.shown() == ["only once"]
    await until(lambda: house.hooks)
    assert await house.told() == 0  # nobody new: it is ours
    await house.redis.zadd("sg:{shop}:due", {conversation: 1})
    await house.work()
    assert house.shown() == ["only once"]
    entry = (await house.runtime.conversations.transcript(conversation))[-1]
    assert entry.status in ("accepted", "sent", "delivered", "read")
    contact = await house.runtime.conversations.contact(conversation)
    assert contact and contact.assignee == "bot"


async def test_another_program_on_the_same_number_is_a_person(house: House):
    """A CRM that sends through the same provider: no id and no text of ours."""
    conversation = await house.reply("from the bot")
    await house.work()
    await house.told()
    channel: Any = house.router.channel("shop", PROFILE)
    await channel.send(Recipient(account=PROFILE, wa_id=CONTACT), Text(body="Dana from the CRM"), "crm/1")
    await until(lambda: any(b"Dana from the CRM" in body for body in house.hooks))
    assert await house.told() == 1
    contact = await house.runtime.conversations.contact(conversation)
    assert contact and contact.assignee == "person"


async def test_statuses_find_their_message_without_a_callback(house: House):
    conversation = await house.reply("hello")
    await house.work()

    async def read() -> bool:
        await house.told()
        return (await house.runtime.conversations.transcript(conversation))[-1].status == "read"

    await until(read)


async def test_a_group_is_answered_in_the_group_when_that_is_wanted(house: House):
    await house.emulator.write(
        PROFILE, Written(contact=CONTACT, text="is it open?", name="Aigul", group="120363@g.us")
    )
    await until(lambda: house.hooks)
    assert await house.told() == 1
    (_, conversation), *_ = await house.runtime.conversations.page(1)
    entry = (await house.runtime.conversations.transcript(conversation))[-1]
    assert entry.text == "Aigul: is it open?"
    known = await house.runtime.conversations.contact(conversation)
    assert known and (known.wa_id, known.user_id) == ("", "120363@g.us")
    await post(house.runtime, known, Reply(id="t:0", text="until six"))
    await house.redis.delete("sg:{shop}:inbox:" + conversation)
    await house.work()
    assert house.shown("120363@g.us") == ["until six"]
    await house.registry.put({**house.config, "allow_group_messages": False})
    await house.emulator.write(PROFILE, Written(contact=CONTACT, text="and tomorrow?", group="120363@g.us"))
    await until(lambda: house.hooks)
    assert await house.told() == 0


async def test_no_minute_sees_more_than_twenty_messages(redis: Redis, tmp_path: Path):
    house = await House(redis, tmp_path, "wappi").open()
    for number in range(60):
        await house.reply("hello", f"t{number}:0", f"7701555{number:04}")
    now, channel = (await redis.time())[0] * 1000, house.router.channel("shop", PROFILE)
    assert channel
    times: list[int] = []
    for name in [name for _ in range(3) for name in (await house.runtime.mailbox.claim(32)).ids]:
        held = await house.runtime.mailbox.begin(name)
        assert held.reply
        asked = held.reply.id
        tried = await house.runtime.mailbox.send_begin(name, held.fence, PROFILE, asked, channel.pace)
        at = (await redis.time())[0] * 1000 + (await redis.time())[1] // 1000 - now
        times.append(at + (int(tried.detail) if tried.go == "wait" else 0))
    times.sort()
    assert len(times) == 60
    assert all(later - sooner > 60_000 for sooner, later in zip(times, times[20:], strict=False))
    await house.client.aclose()


def test_nobody_is_followed_up_there_until_somebody_says_so(tmp_path: Path):
    settings = Settings(_env_file=None, data_dir=tmp_path)  # pyright: ignore[reportCallIssue]
    contact = Contact(id="c", bot_id="shop", wa_id=CONTACT, heard_at=1)
    hours = {"days": "Mon-Sun", "start": "00:00", "end": "24:00", "holidays": "none"}
    channel = {"type": "wappi", "profile_id": PROFILE, "token": "t"}
    for outreach, what in (({"enabled": True}, "end"), ({"enabled": True, "unofficial": True}, "go")):
        bot = build_bot(
            settings, {"id": "shop", "hours": hours, "outreach": outreach, "channel": channel}, {"token": "t"}
        )
        decision = decide_touch(bot.outreach, Plan(anchor=1), contact, {}, 10_000_000, bot.windowed(PROFILE))
        assert decision.what == what
        assert what == "go" or "banned" in decision.why


def test_a_configuration_says_over_the_settings_what_it_says(tmp_path: Path):
    settings = Settings(
        _env_file=None, data_dir=tmp_path, business="Ours", daily_budget=3, timezone="Europe/Rome"
    )  # pyright: ignore[reportCallIssue]
    sets = tmp_path / "sets" / "bakery"
    sets.mkdir(parents=True)
    (sets / "price.md").write_text("Bread first.\n")
    baker = build_bot(
        settings.model_copy(update={"prompt_sets": tmp_path / "sets"}),
        {"id": "a", "prompt_set": "bakery"},
        {},
    )
    assert baker.context.price_prompt == "Bread first."
    plain = build_bot(settings, {"id": "a"}, {})
    assert (plain.context.business, plain.context.daily_budget, plain.outreach.hours.zone) == (
        "Ours",
        3,
        "Europe/Rome",
    )
    config = {
        "id": "a",
        "business": "Mine",
        "inbox": {"max_messages": 3, "max_characters": 500, "max_days": 2, "debounce_seconds": 0.2},
        "retention": {"transcript_messages": 30, "transcript_days": 7, "dead_letter_days": 2},
        "hours": {"timezone": "Asia/Tokyo", "days": "Sat-Sun", "start": "09:00", "holidays": "none"},
        "fallback_model": "offline",
        "respond_to_whitelist": ["+7701*"],
        "operator_number": "+77010000000",
    }
    bot = build_bot(settings, config, {})
    limits = bot.limits
    assert (limits.messages, limits.characters, limits.age, limits.debounce) == (3, 500, 2 * 86_400_000, 200)
    assert (limits.lines, limits.keep, bot.dead_letter_days) == (30, 7 * 86_400_000, 2)
    hours = bot.outreach.hours
    assert (hours.zone, hours.days, hours.start, hours.end, hours.country) == (
        "Asia/Tokyo",
        frozenset({5, 6}),
        "09:00",
        "18:00",
        "",
    )
    assert (bot.context.fallback_model, bot.operator_number) == ("offline", "+77010000000")
