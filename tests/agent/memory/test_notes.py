"""What a contact said that matters stays known, whatever becomes of the working memory."""

from __future__ import annotations

import re
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.store.memory import InMemoryStore

from agent.graph import build
from agent.memory import notes
from agent.memory.notes import NewNote
from agent.models.chat import Models
from agent.models.offline import offline_model
from tests.support.shop.chatting import Chat, Scripted, Shelf, call, told

TOLD = {
    3: (
        "My son Timur is allergic to nuts, and we can spend 40 000 tenge at most. My wife is called Dana.",
        [
            {"key": "allergy", "text": "Son is allergic to nuts", "quote": "allergic to nuts"},
            {"key": "budget", "text": "At most 40 000 tenge", "quote": "spend 40 000 tenge at most"},
            {"key": "family", "text": "Son Timur, wife Dana", "quote": "My wife is called Dana"},
        ],
    ),
    40: (
        "Correction: we can go up to 60 000 tenge.",
        [{"key": "Budget", "text": "Up to 60 000 tenge", "quote": "up to 60 000 tenge"}],
    ),
}


def script(messages: list[BaseMessage], offered: list[str]) -> AIMessage:
    """Notes what TOLD says, and summarises badly: nothing of it is in the summary."""
    last = str(messages[-1].text)
    if offered == ["Facts"]:
        noted = next((found for text, found in TOLD.values() if text in last), [])
        return call("Facts", {"notes": noted})
    if offered == ["Verdict"]:
        return call("Verdict", {"contact_class": "client"})
    return AIMessage(
        "They talked about vases." if str(messages[0].text).startswith("Summarise") else "I see."
    )


class Talk(Chat):
    """A conversation whose notes are kept in a store."""

    def __init__(self, store: Any, **context: Any) -> None:
        self.model = Scripted(script=script, asked=[])
        models = Models(offline_model(), default="scripted")
        models.put("scripted", self.model)
        super().__init__(models, **context)
        self.store = store
        self.graph = build(models, Shelf(), self.graph.checkpointer, store=store)

    def noted(self) -> str:
        """The notes as the sales agent was last told them."""
        prompts = [m for m, offered in self.model.asked if offered not in (["Verdict"], ["Facts"])]
        sales = [told(m) for m in prompts if "<notes>" in told(m)]
        return re.findall(r"<notes>(.*?)</notes>", sales[-1], re.S)[-1]


async def test_what_was_said_in_turn_three_is_known_in_turn_sixty():
    talk = Talk(InMemoryStore(), window=6)
    for turn in range(1, 61):
        text = TOLD[turn][0] if turn in TOLD else f"question {turn} about vases"
        await talk.says(text, idle_minutes=2_000 if turn % 20 == 0 else 1)
    state = await talk.state()
    assert "nuts" not in str(state["messages"]) + state["summary"], "the working memory has forgotten it"
    noted = talk.noted()
    assert "allergy: Son is allergic to nuts" in noted and "family: Son Timur, wife Dana" in noted
    assert "budget: Up to 60 000 tenge" in noted and "40 000" not in noted, "a correction replaces"


@pytest.mark.parametrize("kept", [True, False])
async def test_a_reset_forgets_them_unless_the_owner_wants_them_kept(kept: bool):
    talk = Talk(InMemoryStore(), keep_notes=kept)
    await talk.says(TOLD[3][0])
    await talk.says("/reset")
    await talk.says("Hello again, what do you have?")
    assert ("nuts" in talk.noted()) is kept


async def test_a_note_that_nobody_said_is_not_kept():
    said = [HumanMessage("I am allergic to nuts", id="m1"), HumanMessage("and hate lilies", id="m2")]
    offered = [
        NewNote(key="Allergy!", text="allergic  to nuts", quote="Allergic to NUTS"),
        NewNote(key="flowers", text="hates lilies", quote="hate lilies"),
        NewNote(key="budget", text="has 1 million", quote="one million"),
        NewNote(key="none", text="anything"),
    ]
    assert notes.supported(offered, {"flowers": "hates lilies"}, said) == {
        "allergy": ("allergic to nuts", "m1")
    }


async def test_notes_are_bounded_and_the_oldest_go():
    store = InMemoryStore()
    for n in range(notes.MOST + 5):
        await notes.write_notes(store, "b", "c", {f"k{n}": ("x" * 500, "m")})
    found = await notes.read_notes(store, "b", "c")
    assert len(found) <= notes.MOST and all(len(note.text) <= notes.CHARACTERS for note in found)


async def test_a_note_is_taken_back_by_an_empty_text():
    store = InMemoryStore()
    await notes.write_notes(store, "b", "c", {"allergy": ("nuts", "m1")})
    await notes.write_notes(store, "b", "c", {"allergy": ("", "m2")})
    assert await notes.read_notes(store, "b", "c") == []


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("I am allergic to nuts and my wife is called Dana.", {"allergy nuts", "family wife"}),
        ("У моего сына аллергия на орехи. Бюджет 40 000 тенге", {"allergy орехи", "budget", "family сына"}),
        ("Soy alérgica a la lactosa", {"allergy lactosa"}),
        ("Unser Budget liegt bei 500 Euro", {"budget"}),
        ("How much is the blue vase?", set()),
        ("What is your cheapest, for a small budget?", set()),
    ],
)
async def test_without_a_model_the_plainest_are_noted(said: str, keys: set[str]):
    store = InMemoryStore()
    chat = Chat(Models(offline_model()))
    chat.graph = build(chat.models, Shelf(), chat.graph.checkpointer, store=store)
    await chat.says(said)
    assert {note.key for note in await notes.read_notes(store, "b", "c")} == keys


async def test_without_a_model_they_outlive_sixty_turns_and_a_later_budget_counts():
    store = InMemoryStore()
    chat = Chat(Models(offline_model()), window=6)
    chat.graph = build(chat.models, Shelf(), chat.graph.checkpointer, store=store)
    for turn in range(1, 61):
        said = {3: "I am allergic to nuts. I can spend at most 40 000 tenge.", 40: "My budget is 60 000 now."}
        await chat.says(said.get(turn, f"how much is vase number {turn}?"))
    found = {note.key: note.text for note in await notes.read_notes(store, "b", "c")}
    assert found == {"allergy nuts": "I am allergic to nuts.", "budget": "My budget is 60 000 now."}
