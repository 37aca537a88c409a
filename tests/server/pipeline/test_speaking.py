"""Voice replies: spoken where the owner wants it so, with the words in the transcript, on the bill, made
once, and in words whenever the speech fails."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from fastapi import Request, Response
from redis.asyncio import Redis

from agent.models.chat import Models
from channels.base import Media, Message
from channels.emulators.media import ReceivedFile
from server.clock import now_ms
from server.pipeline import worker as worker_module
from server.pipeline.speaking.speech import opus_seconds
from server.store.counters import totals
from server.store.records import Entry
from tests.fakes.recordings import opus
from tests.support.office import NUMBER, Office
from tests.support.shop.chatting import Scripted, polite
from tests.support.waiting import until

pytestmark = pytest.mark.slow

OGG = "audio/ogg; codecs=opus"


class Speaking(Office):
    """An office whose replies are spoken, by a speech model that the client reaches beside Meta."""

    def __init__(self, redis: Redis, tmp_path: Any, when: str, **settings: Any) -> None:
        bot = tmp_path / "bot.json"
        bot.write_text(json.dumps({"speech": {"when": when, "voice": "sage", "manner": "calm"}}))
        known = {"bot_file": bot, "openai_api_key": "sk-test", "openai_base_url": "http://speech/v1"}
        known |= {
            "speech_model": "openai:gpt-4o-mini-tts",
            "transcription_model": "openai:gpt-4o-mini-transcribe",
        }
        super().__init__(redis, tmp_path, debounce_seconds=0, turn_attempts=3, **{**known, **settings})
        self.asked: list[dict[str, Any]] = []
        self.answer: bytes | int = opus(3)

        @self.emulator.app.post("/v1/audio/speech")
        async def speech(request: Request) -> Response:
            assert request.headers["authorization"] == "Bearer sk-test"
            self.asked.append(await request.json())
            if isinstance(self.answer, int):
                return Response("no", self.answer)
            return Response(self.answer, media_type="audio/ogg")

        @self.emulator.app.post("/v1/audio/transcriptions")
        async def transcribed() -> dict[str, Any]:
            return {"text": "what does delivery cost", "usage": {"input_tokens": 1, "output_tokens": 1}}

    async def says(self, contact: str, text: str = "what does delivery cost?") -> str:
        """A contact writes, and is answered; the conversation's id."""
        conversation = await self.writes(contact, text)
        return await self._answered(contact, conversation)

    async def speaks(self, contact: str) -> str:
        """A contact sends a voice message, and is answered."""
        media = Media(id=self.emulator.files.keep(ReceivedFile(opus(2), OGG, "voice.ogg")), mime_type=OGG)
        id = f"wamid.{uuid.uuid4().hex}"
        said = Message(id=id, account=NUMBER, kind="audio", wa_id=contact, media=media)
        conversation = await self.runtime.conversations.identify(said)
        entry = Entry(id=id, author="contact", kind="audio", at=now_ms())
        await self.runtime.mailbox.accept(conversation, said, entry)
        return await self._answered(contact, conversation)

    async def _answered(self, contact: str, conversation: str) -> str:
        before = len(self.replies(contact))
        async with self.working(Models(Scripted(script=polite, asked=[]))):
            await until(lambda: len(self.replies(contact)) > before)
            await until(self.idle)
        return conversation

    def sent(self) -> dict[str, Any]:
        """What went out last."""
        return self.emulator.requests[-1]


async def test_a_reply_to_a_voice_message_is_one(redis: Redis, tmp_path):
    office = Speaking(redis, tmp_path, "after_voice")
    await office.says("77010000071")
    assert office.sent()["type"] == "text" and office.asked == []
    conversation = await office.speaks("77010000071")
    sent = office.sent()
    assert sent["type"] == "audio" and sent["audio"]["voice"] is True
    file = office.emulator.files.kept[sent["audio"]["id"]]
    assert (file.data, file.mime_type) == (opus(3), OGG)
    [asked] = office.asked
    assert asked["voice"] == "sage" and asked["instructions"] == "calm" and asked["response_format"] == "opus"
    line = (await office.runtime.conversations.transcript(conversation))[-1]
    assert line.text == asked["input"] and line.content is not None
    assert (line.content["kind"], line.content["voice"]) == ("audio", True) and "data" not in line.content
    assert line.cost > 0
    contact = await office.runtime.conversations.contact(conversation)
    assert contact is not None and contact.nano > 0
    await office.says("77010000071")  # they write again, and are answered in writing
    assert office.sent()["type"] == "text"


async def test_always_is_always_but_links_and_long_replies_are_read(redis: Redis, tmp_path):
    office = Speaking(redis, tmp_path, "always")
    await office.says("77010000072")
    assert office.sent()["type"] == "audio"
    await office.says("77010000072", "is it https://shop.example/x ?")
    assert office.sent()["type"] == "text" and "https://" in office.sent()["text"]["body"]
    await office.says("77010000072", "word " * 400)
    assert office.sent()["type"] == "text"
    assert len(office.asked) == 1


@pytest.mark.parametrize("answer", [500, 401, 429, b"", b"not a recording", opus(0)])
async def test_whatever_goes_wrong_the_words_go_out_and_it_is_counted(
    redis: Redis, tmp_path, answer: bytes | int
):
    office = Speaking(redis, tmp_path, "always")
    office.answer = answer
    conversation = await office.says("77010000073")
    assert office.sent()["type"] == "text"
    assert (await totals(redis, "default"))["otherwise unspoken"] == 1
    assert (await office.runtime.conversations.transcript(conversation))[-1].content is None


@pytest.mark.parametrize(
    "settings", [{"speech_model": "off"}, {"speech_model": None, "openai_api_key": None}]
)
async def test_without_a_speech_model_nothing_is_asked_and_nothing_fails(
    redis: Redis, tmp_path, settings: dict[str, Any]
):
    office = Speaking(redis, tmp_path, "always", **settings)
    await office.says("77010000074")
    assert office.sent()["type"] == "text" and office.asked == []
    assert "otherwise unspoken" not in await totals(redis, "default")


async def test_a_spent_budget_speaks_no_more(redis: Redis, tmp_path):
    office = Speaking(redis, tmp_path, "always", daily_budget=0.000001)
    await office.says("77010000075")
    assert office.sent()["type"] == "audio"
    await office.says("77010000075")
    assert office.sent()["type"] == "text" and len(office.asked) == 1


async def test_a_turn_that_is_run_again_speaks_once_and_sends_once(
    redis: Redis, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    """As after a kill between the speech and the commit: what was made is found again."""
    monkeypatch.setattr(worker_module, "TURN_RETRY_FIRST", 5)
    office = Speaking(redis, tmp_path, "always")
    commit, died = office.runtime.mailbox.commit, []

    async def dying(*given: Any) -> int:
        if not died:
            died.append(True)
            raise ConnectionError("killed before it was stored")
        return await commit(*given)

    monkeypatch.setattr(office.runtime.mailbox, "commit", dying)
    await office.says("77010000076")
    assert died and len(office.asked) == 1
    assert [r["type"] for r in office.emulator.requests] == ["audio"]


def test_the_length_of_a_recording_is_read_from_it():
    assert opus_seconds(opus(2.5)) == 2.5
    assert opus_seconds(b"OggS") == opus_seconds(b"") == opus_seconds(b"ID3" + opus(1)) == 0
