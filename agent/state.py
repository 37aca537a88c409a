"""What a conversation remembers between messages, and what one turn works out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.graph.message import add_messages  # pyright: ignore[reportMissingTypeStubs] - LangGraph does not mark this part as typed
from typing_extensions import TypedDict

from agent.opening import Opening
from tools.runtime import Shown

# What comes of the moderator's verdict.
Outcome = Literal["answer", "refuse", "handoff", "silent"]


def merge_profile(old: dict[str, str] | None, new: Mapping[str, str | None] | None) -> dict[str, str]:
    """New facts win, silence never erases, None forgets."""
    merged: dict[str, str | None] = {**(old or {}), **(new or {})}
    return {name: value for name, value in merged.items() if value}


def last(old: str | None, new: str) -> str:
    """Two tools of one round may say the same thing."""
    return new


def gathered(old: list[str] | None, new: list[str]) -> list[str]:
    """What several nodes of a turn add; an empty list begins anew."""
    return list(dict.fromkeys([*(old or []), *new])) if new else []


def joined(old: list[Shown] | None, new: list[Shown]) -> list[Shown]:
    """What the tools of a turn add; an empty list begins anew."""
    return [*(old or []), *new] if new else []


class StartedWith(TypedDict):
    """What was on record when the turn began, so that a resumed turn knows what it changed."""

    profile: dict[str, str]
    owner: str


class Quoted(TypedDict):
    """A passage as the sales agent sees it; `strong` says whether it probably answers the question."""

    document: str
    page: int
    text: str
    language: str
    strong: bool


class BackedSentence(TypedDict):
    """A sentence of a reply with one thing that it rests on: what people call the `source`, the exact words
    (`quote`), and the passage or row they stand in. Without a source it claims nothing."""

    sentence: str
    source: str
    quote: str
    passage: str


class Cited(TypedDict):
    """A line of the evidence that a reply rested on: its words, what people call its `source`, and the day it
    was told `on`."""

    text: str
    source: str
    on: str


class FilledForm(TypedDict):
    """Forms that the contact filled in: which answers cannot be used (`wrong`, field -> what they wrote),
    which are `missing`, whether they wrote nothing else (`alone`), and what people at the business have to
    look at (`task`, may be empty)."""

    wrong: dict[str, str]
    missing: list[str]
    alone: bool
    task: str


class Touch(TypedDict, total=False):
    """The touch that a turn is: its `number` (from 1) of so many, after so many `hours` of silence; `text`
    where the words are those of an approved template."""

    number: int
    of: int
    hours: int
    text: str


class Inbound(TypedDict):
    """What a channel hands to the graph. Message ids are the provider's, so a repeated turn stores nothing
    twice."""

    messages: Annotated[list[AnyMessage], add_messages]


class State(Inbound, total=False):
    """Working memory of a conversation. The contact's record outlives it; `profile` is a copy for the turn.

    `owner` is the conversation's assignee, by the word of the API and of saved conversations; `draft` and
    `complaint` are what `ground` sends back to `sell`; `checked` its reasons, one a claim;
    `backed` what each sentence rests on, where a model read it; `cited` the lines that the last replies
    rested on; `task` what a person has to look after; `topic` what the burst is about; `said_in` the
    message id of each new fact; `identity` the contact's number or user id; `ad` the ad they
    came from, in words; `at` Unix ms of the turn, `now` the same by the business's clock, in words;
    `back_at` when people are there again, by that clock (empty: they are there); `opening` the hours that
    customers are told; `notes` what the contact said that must be kept in mind, by its key; `prompts`
    those that asked a model in it, `NAME@VERSION` each;
    `idle_minutes` the pause before it; `session_from` the first message of a session that begins with
    this turn; `touch` says that nobody wrote and the contact is written to; `decision` their answer to an
    offer in this turn; `shown` what tools want to go out with the reply, `presented` what does, checked;
    `pictured` the products whose pictures went out lately; `form` what is to be said of forms that were
    filled in; `cart_seen` the version of the cart that the turn before showed to be confirmed, 0 for none."""

    bot_id: str
    turn_id: str
    profile: Annotated[dict[str, str | None], merge_profile]
    owner: Annotated[Literal["bot", "person"], last]
    started_with: StartedWith
    summary: str
    verdict: Outcome
    reason: Annotated[str, last]
    passages: list[Quoted]
    replies: list[str]
    model: str
    prompts: Annotated[list[str], gathered]
    draft: str
    complaint: str
    checked: list[str]
    backed: list[BackedSentence]
    cited: list[Cited]
    task: Annotated[str, last]
    topic: str
    said_in: dict[str, str]
    identity: str
    ad: str
    at: int
    now: str
    notes: dict[str, str]
    back_at: str
    opening: Opening | None
    idle_minutes: int
    session_from: str
    touch: Touch | None
    decision: str
    shown: Annotated[list[Shown], joined]
    presented: list[Shown]
    pictured: list[str]
    form: FilledForm | None
    cart_seen: int


class Outbound(TypedDict, total=False):
    """What the graph answers."""

    messages: Annotated[list[AnyMessage], add_messages]
    profile: dict[str, str]
    owner: str
    verdict: str
    replies: list[str]


def text_of(message: AnyMessage) -> str:
    """The text of a message, whatever form its content has."""
    return message.text


def untagged(text: str) -> str:
    """A text that cannot close the tag it is put in, nor open one: whatever people or documents say stays
    data."""
    return text.replace("<", "‹").replace(">", "›")


# A line that the server puts before what somebody wrote, such as what they reply to.
_NOTES = re.compile(r"\A(?:\[[^\n]{1,1200}\]\n)+")
_TAKES_BACK = "takes_back"


def without_notes(text: str) -> str:
    """What somebody wrote, without the lines in brackets before it."""
    return _NOTES.sub("", text)


def taken_back(id: str, message_id: str) -> HumanMessage:
    """That the contact took back the message `message_id`; the turn forgets both."""
    return HumanMessage("[took back a message]", id=id, additional_kwargs={_TAKES_BACK: message_id})


def names_taken_back(message: AnyMessage) -> str:
    """The message that this one takes back; empty for all others."""
    return str(message.additional_kwargs.get(_TAKES_BACK) or "")


def burst(state: State) -> list[HumanMessage]:
    """The contact's messages that nobody has answered yet, oldest first."""
    waiting: list[HumanMessage] = []
    for message in reversed(state.get("messages", [])):
        if isinstance(message, HumanMessage):
            if not names_taken_back(message):
                waiting.append(message)
        elif isinstance(message, AIMessage) and not message.tool_calls:
            break
    return waiting[::-1]


def burst_text(state: State) -> str:
    """The burst as one text."""
    return "\n".join(text_of(message) for message in burst(state)).strip()
