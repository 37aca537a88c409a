"""What a person may accept: a suggestion, where it comes from, and what became of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from server.store.records import Record

Kind = Literal["faq", "fact", "prompt", "product"]
State = Literal["open", "accepted", "dismissed"]


class SuggestionSource(Record):
    """A conversation that a suggestion comes from."""

    conversation_id: str = Field(description="The conversation")
    entry_ids: list[str] = Field(description="Its lines: what the contact asked, and what a person answered")
    what: Literal["question", "edit"] = Field(
        description="`question`: the documents had nothing for it; `edit`: a person changed the agent's draft"
    )
    at: int = Field(description="When, Unix milliseconds")
    answered: bool = Field(description="Whether a person answered there")


class ProductValue(Record):
    """A value of a product that a person told otherwise than the price list has it."""

    key: str = Field(description="The product's key: `PATCH /api/knowledge/products/{key}` changes it")
    name: str = Field(description="What it is called")
    field: Literal["price", "stock"] = Field(description="Which value")
    was: str = Field(description="What the price list says")
    value: str = Field(description="What the person said")


class Proof(Record):
    """The saved conversation of a suggestion, played once."""

    passed: bool = Field(description="Whether the accepted words stood in the reply")
    reply: str = Field(description="What the agent answered, at most 1,000 characters")
    model: str = Field(description="The chat model, or the step of the turn, that answered")


class Suggestion(Record):
    """Something to learn: one group of questions that mean the same, or of edits of one answer. Texts are
    proposals, out of which names, numbers and addresses of customers were taken; none of it is in use until a
    person accepts it."""

    id: str = Field(description="Its id: that of the oldest case in it")
    bot_id: str = Field(description="Which bot may learn it")
    kind: Kind = Field(
        description="`faq`: a question and its answer; `fact`: a correction that no question asked for; "
        "`prompt`: only the wording was changed; `product`: a value of the price list"
    )
    state: State = Field(description="`open` until a person decides")
    question: str = Field(description="The question, as it was asked last; empty: it is not kept any more")
    questions: list[str] = Field(description="Other wordings of it, the latest first, at most five")
    text: str = Field(description="What a person answered; empty: nobody has, and the owner is asked")
    draft: str = Field(description="What the agent had drafted; empty: nothing")
    expects: list[str] = Field(description="What must stand in the agent's reply once it has learned this")
    look_at: list[str] = Field(description="What in the proposed text may lead to a person: check it")
    product: ProductValue | None = Field(description="Of a `product`: what to change; null for others")
    asked: int = Field(description="How often it was asked or edited within eight weeks")
    first_at: int = Field(description="When for the first time, Unix milliseconds")
    last_at: int = Field(description="When for the last time, Unix milliseconds")
    sources: list[SuggestionSource] = Field(description="Where it comes from, the latest first, at most 20")
    by: str = Field(description="Who accepted or dismissed it; empty: nobody yet")
    decided_at: int = Field(description="When that was, Unix milliseconds; 0: not yet")
    reason: str = Field(description="Why it was dismissed")
    document_id: str = Field(description="The document that it became; empty: none")
    document: str = Field(description="The name of that document")
    before: Proof | None = Field(description="How the agent answered before; null: not played")
    after: Proof | None = Field(description="How it answered afterwards; null: not played")
    unfinished: bool = Field(
        description="Whether an acceptance was cut off, as by a crash: accepting it again finishes it"
    )
