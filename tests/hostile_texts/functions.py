"""Everything that reads a text, by name."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agent import access_lists, profile, prompting
from agent.context import Context
from agent.grounding import (
    claims,
    evidence,
    numbers,
    product_names,
    records,
    units,
    verify,
)
from agent.language import (
    appointment_phrases,
    detect,
    follow_up_phrases,
    injection,
    phrases,
    screens,
    spam,
    yes_no,
)
from agent.models import offline
from agent.nodes import extract, ground
from agent.state import Quoted
from channels import chat_export, markup
from channels.base import Media, Message
from knowledge_base import document, index, passages
from knowledge_base.goods import catalogue
from server.conversations import message_text
from server.operators.learning import grouping, proposals
from server.replay import masking
from tests.hostile_texts.texts import TIMES


def _embedded(text: str) -> Any:
    """In place of the bundled embeddings, which are a library's, in a thread, and limited in what they
    read."""
    return np.eye(1, 8, len(text) % 8, dtype=np.float32)[0]


_OFFLINE = offline.OfflineChatModel(embed=_embedded)


def _tool(name: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"query": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}


def _system(passage: str) -> SystemMessage:
    fenced = prompting.fenced(Quoted(document="a.pdf", page=1, text=passage, language="", strong=True))
    return SystemMessage(f"<business>Shop</business><missing>name, email</missing>\n{fenced}")


def _answers_a_message(text: str) -> object:
    """All that the offline model does with a message: a verdict, facts, a reply from passages, a call of a
    tool."""
    said = [AIMessage("What is your name?"), HumanMessage(text)]
    return (
        _OFFLINE.bind_tools([_tool("Verdict")], tool_choice="any").invoke(said),
        _OFFLINE.bind_tools([_tool("Facts")], tool_choice="any").invoke(said),
        _OFFLINE.invoke([_system("We deliver. It is free."), HumanMessage(text)]),
        _OFFLINE.bind_tools([_tool("find_product"), _tool("request_human")]).invoke(said),
    )


def answers_from(text: str) -> object:
    """The replies of the offline model where a text is its passage, its prompt, or the answer of a tool."""
    call = AIMessage("", tool_calls=[{"name": "find_product", "args": {}, "id": "1"}])
    asked = HumanMessage("Do you deliver?")
    rows = json.dumps([{text: text, "price": text}])
    return (
        _OFFLINE.invoke([_system(text[:1_000]), asked]),
        _OFFLINE.invoke([SystemMessage(text), AIMessage(text), asked]),
        *(
            _OFFLINE.invoke([asked, call, ToolMessage(said, name="find_product", tool_call_id="1")])
            for said in (text, rows)
        ),
    )


_FIELDS = [
    profile.CustomField(name=f"a_{kind}", type=kind, choices=("one", "two") if kind == "choice" else ())
    for kind in ("text", "number", "date", "email", "phone", "choice")
]
_LIMITED = {field.name for field in _FIELDS}  # to so many characters, by the schema that a model answers in
_FACTS = profile.facts_schema(tuple(_FIELDS))
_STATED = {
    "name": "Ann",
    "last_name": "Lee",
    "company": "Acme",
    "email": "a@b.co",
    "phone": "+77011234567",
    "a_text": "blue",
    "a_number": "5",
    "a_date": "2026-01-02",
    "a_email": "a@b.co",
    "a_phone": "77011234567",
    "a_choice": "one",
}


def kept_of(text: str) -> object:
    """The facts of a model, held against what was said."""
    return profile.checked_facts(_FACTS.model_construct(**_STATED), text, "KZ", _FIELDS)


def _kept_of_the_same(text: str) -> object:
    """The text itself as each of the facts."""
    stated = {name: text[:300] if name in _LIMITED else text for name in _STATED}
    return profile.checked_facts(_FACTS.model_construct(**stated), text, "KZ", _FIELDS)


def _claims(text: str) -> object:
    return claims.claims_in(text, every=True), records.records_in(text)


_SHOP = (
    "The lamp Aurora 5 costs 1 500 ₸. Delivery in 2-3 days is free. Open Mon-Sat 10:00-19:00, phone +7 701 "
    "123 45 67."
)


def judged(reply: str, passage: str, asked: str) -> object:
    sources = [
        evidence.EvidenceText("passage", passage),
        evidence.EvidenceText("the contact's words", asked, of_contact=True),
    ]
    return verify.findings(reply, evidence.Evidence(sources, asked))


def _exported(text: str) -> object:
    try:
        return chat_export.parse_export(chat_export.export_text(text.encode("utf-8", "surrogatepass")))
    except chat_export.NotAnExport:
        return None


def _worded(text: str) -> object:
    message = Message.model_construct(
        kind="image",
        text=text,
        payload=text,
        name=text,
        group_id="g",
        media=Media.model_construct(filename=text),
    )
    silent = message.model_copy(update={"text": ""})
    marked = (
        message_text.message_line(message),
        message_text.message_line(silent, text),
        message_text.pressed_stop(message),
    )
    return (
        marked,
        message_text.quoting(text, "your"),
        message_text.reacted([text]),
        message_text.voiced(text),
        message_text.of_group(message),
    )


def _split(text: str) -> object:
    return passages.split_document(
        document.Document(name="a.md", pages=[document.PageText(number=1, text=text)])
    )


_GOODS = catalogue.Catalogue.of_rows(
    [{"name": "Lamp Aurora 5", "price": "1500"}, {"name": "grinder-pro", "price": "9"}]
)
_SCREENS = [
    getattr(screens, name) for name in screens.__all__ if name not in ("is_injection", "is_suspicious")
]
_SETTINGS = Context(business="Shop")

FUNCTIONS: dict[str, Callable[[str], object]] = {
    "injection.signs, is_injection, is_suspicious": lambda text: (
        injection.signs(text),
        injection.is_injection(text),
        injection.is_suspicious(text),
    ),
    "screens": lambda text: [screen(text) for screen in _SCREENS],
    "spam.is_spam": spam.is_spam,
    "language.language_of, script_of": lambda text: (detect.language_of(text), detect.script_of(text)),
    "facts.kept, valid: what is said": kept_of,
    "facts.kept, valid: what is stated": _kept_of_the_same,
    "facts.email, phone, region_of": lambda text: (
        profile.email(text, text),
        profile.phone(text, text, "KZ"),
        profile.region_of(text),
    ),
    "profile.facts_by_pattern": lambda text: list(profile.facts_by_pattern(text, "KZ")),
    "decisions.decision_in": lambda text: (yes_no.decision_in(text), yes_no.decision_in("yes", text)),
    "phrases, touches, call_phrases": lambda text: (
        phrases.say("greeting", "en", text),
        follow_up_phrases.touch_text("reminder", "en", text, text),
        appointment_phrases.confirmed("en", text),
        appointment_phrases.reminder("en", text),
    ),
    "offline: a message": _answers_a_message,
    "offline: a passage, a prompt, an answer of a tool": answers_from,
    "claims.claims_in, records_in": _claims,
    "names.named, latin": lambda text: (
        list(product_names.named(text)),
        list(product_names.named(text, every=True)),
        product_names.latin(text),
    ),
    "numbers.numbers_in, spelled": lambda text: (
        numbers.numbers_in(numbers.with_plain_digits(text)),
        numbers.spelled(text),
    ),
    "support.findings: a reply": lambda text: judged(text, _SHOP, "How much is it?"),
    "support.findings: evidence": lambda text: judged(_SHOP, text, "How much is it?"),
    "support.findings: all alike": lambda text: judged(text, text[: len(text) // TIMES], text),
    "support.things, units": lambda text: (
        evidence.things(text, "free"),
        units.currency_of(text),
        units.month_of(text),
        units.weekday_of(text),
    ),
    "nodes.extract.fact_sources": lambda text: extract.fact_sources(
        {"name": text, "city": text[:40]}, [HumanMessage(text, id="1")]
    ),
    "nodes.ground.reveals": lambda text: ground.reveals(_SETTINGS, text),
    "access_lists.is_listed": lambda text: (
        access_lists.is_listed(["7701*", text[:64]], text),
        access_lists.is_listed([text[:64]], "77011234567"),
    ),
    "markup.to_whatsapp": markup.to_whatsapp,
    "markup.bubbles, units": lambda text: (
        markup.bubbles(text),
        markup.bubbles(text, 300),
        markup.utf16_length(text),
    ),
    "chat_export.export_text, parse_export": _exported,
    "masking.Mask": lambda text: masking.Mask(["Анна Петрова", text[:80]], ["Shop Best", text[:80]])(text),
    "grouping.question_words": lambda text: grouping.question_words(text, b"secret"),
    "proposals.expected_of": lambda text: proposals.expected_of(text[:300], text),
    "proposals.BLANK": lambda text: proposals.BLANK.findall(text),
    "Mask.names": lambda text: masking.Mask(["Анна Петрова", text[:80]], blanks=True).names(text),
    "masking.people_in, Mask.patterns": lambda text: (
        list(masking.people_in(text)),
        masking.Mask().patterns(text),
    ),
    "wording": _worded,
    "Catalogue.find, of_rows": lambda text: (
        _GOODS.find(text),
        catalogue.Catalogue.of_rows([{"name": text, "price": text}]).find("lamp aurora"),
    ),
    "index.terms": index.terms,
    "passages.split_document": _split,
    "document.normalise": document.normalise,
}
# What reads a message, or a reply as long as one, in the course of a turn.
IN_A_TURN = (
    "injection.signs, is_injection, is_suspicious",
    "screens",
    "language.language_of, script_of",
    "decisions.decision_in",
    "facts.kept, valid: what is said",
    "offline: a message",
    "support.findings: all alike",
)

# What our modules remember of a text would make its second reading cheap. A cache without a limit holds what
# was read from files.
FORGET = [
    found.cache_clear
    for name, module in list(sys.modules.items())
    if name.startswith(("agent.", "channels.", "knowledge_base."))
    for found in vars(module).values()
    if hasattr(found, "cache_parameters") and found.cache_parameters()["maxsize"]
]
