"""What every channel keeps, whoever wrote it: one suite, run on each of them against its provider's
emulator."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from channels.base import Media, Parsed, SendError
from channels.content.anything import Content
from channels.content.media import Document, Image, Template, Text
from channels.content.plain import choices_of
from channels.downloads import DownloadError
from channels.emulators.base import DeliveryFault, SendFault
from channels.emulators.media import ReceivedFile as Sent
from channels.json_parts import as_dict
from channels.registry import channels
from tests.channels.contents import EVERYTHING, PNG, reaction
from tests.channels.wires import CONTACT, Provider, Wire, provider
from tests.support.waiting import until

NAMES = ("cloud_api", "wappi", "waha")
VOICE = b"OggS\0\2" + b"\1" * 400


@pytest.fixture(params=NAMES)
def line(request: pytest.FixtureRequest, cloud_api: Provider, wappi: Provider, waha: Provider) -> Wire:
    return {"cloud_api": cloud_api, "wappi": wappi, "waha": waha}[request.param].wire()


def test_the_suite_runs_on_every_channel_there_is():
    assert set(NAMES) == set(channels())


async def test_a_text_comes_in_signed_and_whole(line: Wire):
    message_id = await line.write("Добрый день 👋 \\ / <b>", name="Aigul")
    message = await line.message()
    assert (message.account, message.kind, message.wa_id) == (line.account, "text", CONTACT)
    assert (message.text, message.name, message.id) == ("Добрый день 👋 \\ / <b>", "Aigul", message_id)
    assert message.timestamp > 1_700_000_000
    body, headers = line.hooks[0]
    assert line.channel.authentic(body, headers)


async def test_what_the_provider_did_not_sign_is_not_authentic(line: Wire):
    await line.write("hello")
    await line.message()
    body, headers = line.hooks[0]
    names = [n for n in headers if n in ("authorization", "x-hub-signature-256", "x-webhook-hmac")]
    assert len(names) == 1
    assert not line.channel.authentic(body, {n: v for n, v in headers.items() if n not in names})
    assert not line.channel.authentic(body, {**headers, names[0]: headers[names[0]][:-1] + "~"})
    assert not line.channel.authentic(body, {**headers, names[0]: "é"})
    if line.channel.name != "wappi":  # which signs nothing
        assert not line.channel.authentic(body + b" ", headers)
        assert not line.remade(
            **{"app_secret" if line.channel.name == "cloud_api" else "hmac_key": SecretStr("")}
        ).authentic(body, headers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "messages id profile_id wh_type type body chatId from to event session payload fromMe entry "
    "changes value metadata media ack hasMedia status"
).split()
SHAPED = st.recursive(
    JSON, lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, min_size=1, max_size=6), max_leaves=8
)


@pytest.mark.parametrize("name", NAMES)
@given(body=st.dictionaries(st.sampled_from(FIELDS), SHAPED, max_size=8))
@settings(max_examples=80)
def test_no_json_breaks_a_parser(name: str, body: dict):
    parse = channels()[name].parse
    assert isinstance(parse(None, json.dumps(body).encode()), Parsed)  # pyright: ignore[reportArgumentType] - needs no number


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_a_value_error(name: str, body: bytes):
    with pytest.raises(ValueError):
        channels()[name].parse(None, body)  # pyright: ignore[reportArgumentType]


async def test_a_text_goes_out_and_its_statuses_come_back(line: Wire):
    sent = await line.channel.send(line.to, Text(body="Здравствуйте! Доставка 1500 ₸."), "c/r:0")
    assert line.shown() == ["Здравствуйте! Доставка 1500 ₸."]
    await until(
        lambda: {s.status for s in line.parsed().statuses if s.id == sent} == {"sent", "delivered", "read"}
    )
    assert line.parsed().quarantined == []
    assert all(s.account == line.account for s in line.parsed().statuses)


async def test_a_reply_quotes_and_a_quote_is_read(line: Wire):
    theirs = await line.write("Which colour?")
    message = await line.message()
    ours = await line.channel.send(line.to, Text(body="Blue", quoted_id=message.id), "c/r:0")
    assert line.shown() == ["Blue"]
    line.forget()
    full = f"true_{CONTACT}@c.us_{ours}" if line.channel.name == "waha" else ours
    await line.write("And green?", quoted_id=full)
    assert (await line.message("text")).quoted_id == ours
    assert theirs == message.id


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (
            Document(name="call.ics", mime_type="text/plain", data=b"BEGIN:VCALENDAR", caption="Your call"),
            "Your call",
        ),
        (Image(name="cup.png", mime_type="image/png", data=PNG, caption="The cup"), "The cup"),
        (
            Document(
                name="a.pdf", mime_type="application/pdf", url="https://shop.example/a.pdf", caption="Prices"
            ),
            "Prices",
        ),
    ],
    ids=["bytes", "image", "address"],
)
async def test_files_go_out(line: Wire, content: Content, shown: str):
    assert await line.channel.send(line.to, content, "c/r:0")
    assert shown in line.shown()[0]
    if isinstance(content, Document):
        assert content.name in line.shown()[0]


@pytest.mark.parametrize("name", EVERYTHING)
async def test_everything_goes_out_as_it_is_or_in_words(line: Wire, name: str):
    content, words = EVERYTHING[name]
    sent = await line.channel.send(line.to, content, "c/r:0")
    assert sent
    [bubble] = [b for b in line.emulator.phones.conversation(line.account, CONTACT) if not b.mine]
    assert all(word in bubble.text for word in words)
    if content.kind in line.channel.capabilities.shows:
        assert bubble.content, "the phone shows more than words"
    else:
        assert all(title in bubble.text for _, title in choices_of(content))
    await until(
        lambda: {s.status for s in line.parsed().statuses if s.id == sent} == {"sent", "delivered", "read"}
    )


async def test_a_reaction_stands_at_the_contacts_message(line: Wire):
    await line.write("Thank you")
    message = await line.message()
    assert await line.channel.send(line.to, reaction(message.id), "c/r:0")
    [bubble] = [b for b in line.emulator.phones.conversation(line.account, CONTACT) if not b.mine]
    assert bubble.content == {"type": "reaction", "reaction": {"message_id": message.id, "emoji": "👍"}}


async def test_templates_where_there_are_templates(line: Wire):
    template = Template(name="we_answered:en", variables=("Dana",))
    if line.channel.capabilities.templates:
        assert await line.channel.send(line.to, template, "c/r:0")
        return
    with pytest.raises(SendError) as refused:
        await line.channel.send(line.to, template, "c/r:0")
    assert refused.value.kind == "change"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (SendFault(status=502, html=True), "unknown"),
        (SendFault(status=429, code=130429, retry_after=7), "busy"),
        (SendFault(status=401, code=190), "stop"),
        (SendFault(status=400, code=100), "change"),
        (SendFault(status=200, seconds=5), "unknown"),
    ],
    ids=["gateway", "too fast", "token", "refused", "no answer"],
)
async def test_failures_say_what_to_do(line: Wire, fault: SendFault, kind: str):
    line.emulator.faults.append(fault)
    async with httpx.AsyncClient(timeout=httpx.Timeout(60, read=1 if fault.seconds else 60)) as client:
        impatient = replace(line.home, client=client).channel(line.account)
        with pytest.raises(SendError) as failed:
            await impatient.send(line.to, Text(body="hello"), "c/r:0")
    assert failed.value.kind == kind
    assert failed.value.retry_after == (7 if kind == "busy" else 0)


async def test_a_wrong_secret_stops_and_a_dead_address_retries(line: Wire):
    field = {"cloud_api": "access_token", "wappi": "token", "waha": "api_key"}[line.channel.name]
    for changes, kind in (({field: SecretStr("old")}, "stop"), ({"url": "http://127.0.0.1:9"}, "retry")):
        with pytest.raises(SendError) as failed:
            await line.remade(**changes).send(line.to, Text(body="hello"), "c/r:0")
        assert failed.value.kind == kind
    assert line.shown() == []


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        (Sent(PNG, "image/png", "cup.png"), "image"),
        (Sent(VOICE, "audio/ogg; codecs=opus"), "audio"),
        (Sent(b"%PDF-1.4", "application/pdf", "list.pdf"), "document"),
    ],
    ids=["image", "voice", "document"],
)
async def test_files_come_in(line: Wire, file: Sent, kind: str):
    await line.write("" if kind == "audio" else "look", file)
    message = await line.message()
    assert (message.kind, message.text) == (kind, "" if kind == "audio" else "look")
    assert message.media and message.media.mime_type == file.mime_type
    assert await line.channel.fetch_media(message.media, 10_000) == file.data
    with pytest.raises(DownloadError) as refused:
        await line.channel.fetch_media(message.media, 5)
    assert refused.value.kind == "too_large"


@pytest.mark.parametrize(
    "url", ["https://evil.example/x", "http://169.254.169.254/latest", "https://wappi.pro.evil.example/x"]
)
async def test_a_file_elsewhere_is_not_asked_for(line: Wire, url: str):
    with pytest.raises(DownloadError) as refused:
        await line.channel.fetch_media(Media(id="nothing", url=url), 100)
    assert refused.value.kind in ("refused", "gone")


async def test_read_and_typing_are_shown(line: Wire):
    seen: list[dict] = []

    async def watch() -> None:
        async for event in line.emulator.phones.watch(line.account, CONTACT):
            seen.append(event)

    await line.write("hello")
    message = await line.message()
    watching = asyncio.create_task(watch())
    await until(lambda: (line.account, CONTACT) in line.emulator.phones._watchers)
    await line.channel.typing(line.to, message.id)
    await until(lambda: {"typing", "tick"} <= {event["type"] for event in seen})
    assert line.emulator.phones.bubbles[message.id].status == "read"
    watching.cancel()


async def test_a_person_at_the_business_is_an_echo_and_so_is_our_own_message(line: Wire):
    await line.write("I am Dana, one moment", business=True)
    echo = await line.message("echo")
    assert (echo.wa_id, echo.text, echo.ours) == (CONTACT, "I am Dana, one moment", False)
    line.forget()
    sent = await line.channel.send(line.to, Text(body="from the bot"), "c/r:0")
    if line.channel.capabilities.echoes:
        mine = await line.message("echo")
        assert (mine.id, mine.wa_id, mine.ours) == (sent, CONTACT, True)


async def test_a_group_is_named(line: Wire):
    await line.write("hi all", group="120363@g.us")
    assert (await line.message()).group_id == "120363@g.us"


async def test_nothing_is_sent_faster_than_the_pace_allows(line: Wire):
    pace = line.channel.pace
    most = {"cloud_api": 80 * 60, "wappi": 20, "waha": 35}[line.channel.name]
    assert pace.burst + 60_000 / pace.interval <= most


@pytest.mark.parametrize("name", NAMES)
async def test_webhooks_that_are_lost_doubled_late_or_turned_round_are_the_emulators_to_give(name: str):
    async with provider(name) as home:
        line = home.wire()
        line.emulator.delivery = DeliveryFault(drop=1, twice=1, reorder=2)
        await line.write("lost")
        for text in ("one", "two"):
            await line.write(text)
        await until(lambda: len(line.parsed().messages) >= 2)
        assert [m.text for m in line.parsed().messages][:2] == ["two", "one"]
        assert line.emulator.delivery.twice == 1
        await line.write("three")
        await until(lambda: [m.text for m in line.parsed().messages].count("three") == 2)
        line.emulator.delivery = DeliveryFault(seconds=0.2)
        await line.write("late")
        assert "late" not in [m.text for m in line.parsed().messages]
        await until(lambda: "late" in [m.text for m in line.parsed().messages])


@pytest.mark.parametrize("name", NAMES)
def test_secrets_are_secrets(name: str):
    kind = channels()[name].Credentials
    assert kind.secrets() >= {"webhook_secret"}
    shown = kind.model_json_schema()["properties"]
    assert all(as_dict(shown[secret]).get("writeOnly") for secret in kind.secrets())
