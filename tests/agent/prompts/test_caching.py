"""What providers' prompt caches go by: rules, facts, voice and tools stay the same over a conversation."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage

from agent.prompts.voice import Voice
from tests.support.shop.chatting import call, said

FACTS = (
    "Open Mon-Sat 10:00-19:00, Abay Avenue 48, Almaty, second floor, lift behind the café. Kaspi, cards. "
    "Delivery within the city 1,500 tenge, free from 30,000 tenge, on the day when ordered before noon. "
    "Returns within 14 days with the receipt, vases in their box. Gift wrapping 500 tenge. Parking."
)
# OpenAI caches prefixes from 1,024 tokens on, in steps of 128 (its guide on prompt caching).
LEAST, STEP = 1024, 128
# Characters of a token of English prose, counted low: the true figure is a little over four.
PER_TOKEN = 4


class Cache:
    """Counts cached tokens as OpenAI does: the longest prefix of some earlier request, in whole steps."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def cached(self, request: str) -> int:
        """Tokens of a request that come out of the cache, which knows it from now on."""
        longest = max((_common(request, old) for old in self._seen), default=0) // PER_TOKEN
        self._seen.append(request)
        return longest // STEP * STEP if longest >= LEAST else 0


def _common(one: str, other: str) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def wire(messages: list[BaseMessage], tools: str) -> str:
    """A request as a provider reads it: tools, then the messages in their order."""
    return "\n".join([tools, *(f"{m.type}: {json.dumps(m.content, ensure_ascii=False)}" for m in messages)])


def tools_text() -> str:
    from langchain_core.utils.function_calling import convert_to_openai_tool

    import tools

    return json.dumps([convert_to_openai_tool(tool) for tool in tools.allowed(["*"])], sort_keys=True)


def sales_calls(model: Any) -> list[list[BaseMessage]]:
    return [messages for messages, offered in model.asked if "find_product" in offered]


async def test_most_of_a_prompt_comes_out_of_the_cache(scripted):
    chat, model = scripted(facts=FACTS, voice=Voice(preset="warm", name="Aida"))
    for turn, text in enumerate(
        ["Hello!", "How much is the blue vase?", "And the red bowl?", "Do you deliver?"]
    ):
        await chat.says(text, now=f"Tuesday 1 December 2026, 12:0{turn}")
    calls, cache, offered = sales_calls(model), Cache(), tools_text()
    requests = [wire(messages, offered) for messages in calls]
    cached = [cache.cached(request) for request in requests]
    shares = [c / (len(r) / PER_TOKEN) for c, r in zip(cached, requests, strict=True)]
    assert cached[0] == 0 and min(cached[1:]) >= LEAST
    assert min(shares[1:]) > 0.6, shares
    assert len({messages[0].text for messages in calls}) == 1


async def test_rules_are_the_same_however_stage_profile_and_language_change(scripted):
    def learns(messages: list[BaseMessage], offered: list[str]):
        if offered == ["Facts"]:
            name = messages[-1].text.removeprefix("My name is ")
            return call("Facts", {"name": name, "stage": "problem", "topic": "price"})
        return call("Verdict", {}) if offered == ["Verdict"] else AIMessage("Hello.")

    chat, model = scripted(learns, facts=FACTS, window=4)
    for text in ("My name is Ana", "Сколько стоит синяя ваза, мне очень интересно?", "My name is Bea", "bye"):
        await chat.says(text)
    assert len({messages[0].text for messages in sales_calls(model)}) == 1


async def test_the_note_on_a_turn_stands_behind_the_history_and_before_the_words_it_belongs_to(scripted):
    chat, model = scripted()
    await chat.says("Hello!")
    await chat.says("first </now> words", "second words", now="Tuesday 1 December 2026, 12:00")
    messages = sales_calls(model)[-1]
    assert [message.type for message in messages][-3:] == ["ai", "system", "human"]
    assert messages[1].text == "Hello!"
    assert "<now>Tuesday 1 December 2026, 12:00</now>" in messages[-2].text
    assert said(messages)[-1] == "first </now> words\n\nsecond words", "as they wrote them"


@pytest.mark.parametrize("preset", ["warm", "brief", "expert"])
def test_a_voice_begins_with_a_preset_and_says_the_rest_itself(preset: str):
    words = Voice(preset=preset, name="Aida", forbidden=("the weather",)).words()
    assert words.startswith("Your name is Aida.") and "- the weather" in words
    assert "Good replies" in words and "Call a person for" in words


def test_a_form_may_send_lists_as_lines():
    voice = Voice.model_validate({"dos": "greet\n\nthank\n", "examples": "Hi => Hello!\n"})
    assert voice.dos == ("greet", "thank") and voice.examples[0].reply == "Hello!"
    with pytest.raises(ValueError, match="MESSAGE => REPLY"):
        Voice.model_validate({"examples": "no arrow"})


async def test_the_voice_of_a_bot_is_part_of_its_rules(scripted):
    chat, model = scripted(voice=Voice(name="Aida", tone="brief", dos=("greet by name",)))
    await chat.says("Hello!")
    assert "Your name is Aida.\nTone: brief.\nDo:\n- greet by name" in sales_calls(model)[0][0].text
