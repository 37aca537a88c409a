"""What is ordered or booked while no chat model answers, and what somebody asks who wants no messages."""

from __future__ import annotations

import pytest

from agent.language.phrases import say
from tests.agent.chatting import Chat


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("I want to order two blue vases", "en"),
        ("Хочу заказать две синие вазы", "ru"),
        ("Запишите меня на завтра, приеду посмотреть", "ru"),
        ("Vorrei ordinare due vasi blu", "it"),
        ("Quiero comprar dos jarrones azules", "es"),
        ("Ich möchte zwei blaue Vasen bestellen", "de"),
        ("मुझे दो फूलदान ऑर्डर करना है", "hi"),
    ],
)
async def test_an_order_without_a_model_is_a_task_and_confirmed_honestly(offline: Chat, said: str, language: str):
    replies = await offline.says(said)
    state = await offline.state()
    assert said[:20] in state["task"] and replies[-1].endswith(say("order_noted", language))
    assert state.get("owner") != "person" and state["messages"][-1].text == replies[-1]


async def test_a_question_without_a_model_is_none(offline: Chat):
    assert await offline.says("How much is delivery?")
    assert not (await offline.state())["task"]


async def test_whoever_wants_no_messages_is_told_once_how_to_be_answered(offline: Chat):
    assert await offline.says("stop") == [say("stopped", "en")]
    stopped = {"profile": {"consent": "stopped", "language": "en"}}
    assert await offline.says("thanks", **stopped) == []
    assert await offline.says("do you have blue vases?", **stopped) == [say("write_start", "en")]
    assert await offline.says("hello?? blue vases?", **stopped) == []
    assert await offline.says("start", **stopped) == [say("started", "en")]
    assert await offline.says("STOP") == [say("stopped", "en")]
    assert await offline.says("and red bowls?", **stopped) == [say("write_start", "en")]
