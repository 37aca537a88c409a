"""Wappi's own ways: three shapes of a webhook, echoes, history, answers that cross, profiles that die
silently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.base import Media, SendError
from channels.content.media import Text
from channels.downloads import DownloadError
from channels.emulators.media import ReceivedFile as Sent
from channels.wappi import classify
from channels.wappi_webhook import parse
from tests.channels.wires import Provider, Wire
from tests.support.waiting import until

VOICE = Sent(b"OggS\0\2" + b"\1" * 400, "audio/ogg; codecs=opus", "v.ogg")


@pytest.fixture
def line(wappi: Provider) -> Wire:
    return wappi.wire()


async def profile(line: Wire, **changes) -> None:
    answer = await line.client.post(f"{line.provider}/_control/{line.account}/profile", json=changes)
    assert answer.status_code == 200


@pytest.mark.parametrize("shape", ["list", "object", "flat"])
async def test_messages_come_as_a_list_an_object_or_alone(line: Wire, shape: str):
    await profile(line, shape=shape)
    await line.write("Добрый день")
    assert (await line.message()).text == "Добрый день"
    sent = await line.channel.send(line.to, Text(body="hello"), "c/r:0")
    await until(
        lambda: {s.status for s in line.parsed().statuses if s.id == sent} == {"sent", "delivered", "read"}
    )


@pytest.mark.parametrize("echo", ["api", "is_me"])
async def test_older_profiles_echo_as_incoming_messages(line: Wire, echo: str):
    await profile(line, echo=echo)
    sent = await line.channel.send(line.to, Text(body="from the bot"), "c/r:0")
    mine = await line.message("echo")
    assert (mine.id, mine.ours) == (sent, True)


async def test_a_file_whose_link_is_over_is_fetched_by_its_id(line: Wire):
    await line.write("", VOICE)
    media = (await line.message()).media
    assert media and media.url and not media.data
    gone = media.model_copy(update={"url": f"{line.provider}/_files/gone"})
    assert await line.channel.fetch_media(gone, 10_000) == VOICE.data


async def test_a_voice_message_without_a_link_is_the_base64_it_came_with(line: Wire):
    await profile(line, link=False)
    await line.write("", VOICE)
    media = (await line.message()).media
    assert media and media.data and not media.url
    unknown = media.model_copy(update={"id": "NOBODY"})
    assert await line.channel.fetch_media(unknown, 10_000) == VOICE.data
    with pytest.raises(DownloadError) as failed:
        await line.channel.fetch_media(Media(id="NOBODY"), 100)
    assert failed.value.kind == "gone"


async def test_an_answer_about_another_file_is_not_taken(line: Wire):
    await line.write("", VOICE)
    media = (await line.message()).media
    assert media
    await profile(line, crossed=1)
    with pytest.raises(DownloadError) as failed:
        await line.channel.fetch_media(media.model_copy(update={"url": ""}), 10_000)
    assert failed.value.kind == "retry"
    assert await line.channel.fetch_media(media.model_copy(update={"url": ""}), 10_000) == VOICE.data


async def test_history_has_everything_and_never_another_profiles(line: Wire):
    await profile(line, webhooks=False)
    for number in range(120):
        await line.write(f"message {number}")
    await line.write("by hand", business=True)
    await line.write("", VOICE)
    found = await line.channel.newer(0)
    texts = [m.text for m in found.messages]
    assert texts[:120] == [f"message {n}" for n in range(120)] and len(texts) == 122
    assert found.messages[120].kind == "echo"
    voice = found.messages[121]
    assert voice.media and await line.channel.fetch_media(voice.media, 10_000) == VOICE.data
    await profile(line, crossed=1)
    with pytest.raises(SendError) as refused:
        await line.channel.newer(0)
    assert refused.value.kind == "retry"


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "connected"),
        ({"app_status": "connecting"}, "disconnected"),
        ({"authorized": False}, "scan_qr"),
        ({"paid_until": "2020-01-01T00:00:00+03:00"}, "unpaid"),
        ({"paid_until": "2020-01-01T00:00:00+03:00", "authorized": False}, "unpaid"),
    ],
)
async def test_the_state_of_a_profile(line: Wire, changes: dict, state: str):
    await profile(line, **changes)
    assert (await line.channel.state()).state == state


async def test_an_unlinked_profile_shows_a_code_that_changes(line: Wire):
    assert await line.channel.qr() is None
    await line.channel.session("logout")
    first = await line.channel.qr()
    assert first and first.png.startswith("iVBOR")
    await line.client.post(f"{line.provider}/_control/{line.account}/rotate")
    assert (await line.channel.qr()).png != first.png
    assert await line.channel.pairing_code("77001112233") == "WAPP-2233"
    await until(lambda: [link.state for link in line.parsed().links] == ["disconnected"])
    with pytest.raises(SendError) as refused:
        await line.channel.send(line.to, Text(body="hello"), "c/r:0")
    assert refused.value.kind == "stop"


async def test_webhooks_go_where_they_are_told_to(line: Wire):
    await line.channel.register("https://shop.example/webhook/wappi/default/s3cret")
    kept = line.emulator.profile(line.account)
    assert (kept.webhook, kept.auth) == ("https://shop.example/webhook/wappi/default/s3cret", "a-secret")


@pytest.mark.parametrize(
    ("status", "detail", "kind"),
    [
        (400, "Profile is not authorized", "stop"),
        (402, "", "stop"),
        (401, "Wrong token", "stop"),
        (200, "payment expired", "stop"),
        (400, "number is not registered in WhatsApp", "contact"),
        (400, "empty body", "change"),
        (200, "something", "change"),
        (429, "", "busy"),
        (500, "internal", "unknown"),
    ],
)
def test_what_an_error_means(status: int, detail: str, kind: str):
    assert classify(status, detail, True) == kind


def test_an_error_inside_a_200_is_an_error():
    body = {
        "messages": [{"wh_type": "delivery_status", "profile_id": "p", "id": "X", "status": "temporary ban"}]
    }
    told = parse(json.dumps(body).encode()).statuses[0]
    assert (told.status, told.failure) == ("failed", "stop")


@given(st.lists(st.sampled_from(["good", "no id", "no profile", "text", "number"]), max_size=8))
@settings(max_examples=60)
def test_one_bad_element_takes_no_neighbour(kinds: list[str]):
    good = {
        "wh_type": "incoming_message",
        "type": "chat",
        "body": "hi",
        "chatId": "77015550101@c.us",
        "profile_id": "p",
    }
    rows = [
        {**good, "id": f"M{n}"}
        if kind == "good"
        else {**good, "id": ""}
        if kind == "no id"
        else {**good, "id": f"M{n}", "profile_id": None}
        if kind == "no profile"
        else "text"
        if kind == "text"
        else 7
        for n, kind in enumerate(kinds)
    ]
    parsed = parse(json.dumps({"messages": rows}).encode())
    assert [m.id for m in parsed.messages] == [f"M{n}" for n, kind in enumerate(kinds) if kind == "good"]
    assert len(parsed.quarantined) == sum(kind != "good" for kind in kinds)


@pytest.mark.external_data
def test_captured_webhooks(external_data: Path):
    rows = [
        json.loads(line) for line in (external_data / "02_wappi" / "webhooks.jsonl").read_text().splitlines()
    ]
    found = {row["id"]: parse(json.dumps(row["payload"]).encode()) for row in rows}
    assert len(found) >= 10
    for row in rows:
        parsed, types = found[row["id"]], " ".join(row["types"])
        if "status" in types:
            assert not parsed.messages and len(parsed.statuses) == 1
        elif "is_me" in types or "outgoing" in types:
            assert all(m.kind == "echo" for m in parsed.messages)
        else:
            assert [m.kind for m in parsed.messages] != ["echo"] and parsed.messages[0].kind != "unsupported"
    voice = found["wappi-voice_ptt_enveloped"].messages[0]
    assert voice.media and (voice.kind, voice.user_id) == ("audio", "996500000001@lid")
    assert voice.media.url.startswith("https://wapi-uploads7d.storage.yandexcloud.net/")
    flat = found["wappi-flat_variant"].messages[0]
    assert (flat.id, flat.wa_id, flat.name, flat.text) == (
        "3EB0C0FFEE",
        "79991234567",
        "John",
        "message text",
    )
    mixed = {
        "messages": [
            m
            for row in rows
            for m in [row["payload"].get("messages", row["payload"])]
            for m in (m if isinstance(m, list) else [m])
        ]
    }
    assert len(parse(json.dumps(mixed).encode()).messages) == sum(len(p.messages) for p in found.values())
