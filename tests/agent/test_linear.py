"""No text, however hostile, holds up the event loop: what reads a text needs time in proportion to its
length.

Customers, models, documents and tools write what these functions read. Each function meets texts that are
made to send a pattern back and forth, in two lengths, the second four times the first: a quadratic function
needs sixteen times as long for it. What is measured is the CPU time of this process, at the second try the
least of several, so that whatever else the machine does changes little."""

from __future__ import annotations

import gc
import json
import re
import string
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

from agent import access_lists, profile, prompting
from agent.context import Context, CustomField
from agent.grounding import (
    arithmetic,
    attribution,
    claims,
    evidence,
    matching,
    numbers,
    product_names,
    records,
    remembered,
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
from server.replay import masking

pytestmark = pytest.mark.slow

# The longer text is as long as a message on WhatsApp may be, the shorter one a quarter of it.
LENGTH, TIMES = 1_024, 4
# Linear work takes TIMES as long, give or take what a machine does meanwhile; quadratic work TIMES squared.
MOST = 6.0
# Below this, in seconds, a measurement is noise, and harmless.
FLOOR = 0.02
# What everything that a turn does with one message may cost, in seconds, on a core where `reference()` takes
# REFERENCE.
TURN, REFERENCE = 0.3, 0.012


def run(unit: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """A maker of texts: `unit` over and over between two others, so many characters in all."""

    def made(length: int) -> str:
        room = max(0, length - len(before) - len(after))
        return before + (unit * (room // len(unit) + 1))[:room] + after

    return made


def counting(form: str) -> Callable[[int], str]:
    """A maker of texts in which no two figures are the same."""

    def made(length: int) -> str:
        return "".join(form.format(number) for number in range(1, length // (len(form) - 1) + 1))[:length]

    return made


def nested(opening: str, closing: str) -> Callable[[int], str]:
    """A maker of texts: one thing within another, half the text opening them and half closing."""

    def made(length: int) -> str:
        depth = length // (len(opening) + len(closing))
        return f"{opening * depth}1{closing * depth}"

    return made


# What is repeated, in rows of which each is split at the double bar: blanks count here.
_REPEATED = [
    *string.punctuation,
    *(" ‖\n‖\t‖\r\n‖0‖1‖a‖\xa0").split("‖"),
    # two kinds of characters in turn
    *(
        "#-‖a ‖1 ‖1,‖1.‖a@‖@a‖a.‖. ‖\n#‖\n ‖ \n‖[(‖](‖[]‖*a‖*a ‖_*~‖`a‖<a‖{{‖a-‖1.-‖a'‖A'‖a_‖a: ‖a: 1; ‖- ‖"
        "> ‖| ‖|-|\n‖a\n\n‖=\n‖\\"
    ).split("‖"),
    # words that patterns look for
    *(
        "ignore ‖ignore all ‖from now on ‖you are now ‖your rules ‖system ‖\nsystem‖системн‖инструкци‖"
        "decode ‖translate base64 ‖note to ‖send a ‖stop ‖no more messages ‖any more ‖не пишите ‖"
        "मैसेज मत करो ‖talk to ‖person ‖free ‖you have won a ‖we offer ‖продвижени‖AAAA BBB ‖http://‖www.‖"
        "a.b.‖a@b.c ‖yes, ‖perfect,‖no ‖I am Ann ‖my name is ‖under ‖my company is ‖ООО Рога ‖ул. ‖via A ‖"
        "1 A ‖Абая, 5, кв. 3 ‖[image‖[audio: a"
    ).split("‖"),
    # figures
    *(
        "1 000 ‖1,000‖1/‖1.2.‖10:00 ‖5-‖5 - ‖$5 ‖£1‖half ‖половин‖он ‖2-3 days ‖1 may ‖2026-01-02 ‖"
        "сағат 5 ‖शाम 5 ‖+7 701 123 45 67 ‖701-‖1.5 тыс. ‖0.1234;‖free delivery. ‖Model X1 ‖X1-‖our Abc "
    ).split("‖"),
    # encodings and other scripts
    *(
        "01‖01000001 ‖QUJD‖l i k e ‖😀 ‖1️⃣‖б ‖а-‖مرحبا ‖नमस्ते ‖ि‖안녕 ‖中‖"
        "\u200b‖\u200e‖\u0301‖\u0301\u0327‖\U000e0041‖"
        "\ue0000\ue001‖\x00‖٣‖\U0001e4f5‖İ‖ﷺ"
    ).split("‖"),
    # lists, exports, passages
    *(
        '{"a":1},‖01.02.2026, 10:00 - A: b\n‖[1/2/26, 1:00:00 PM] A: ‖price: 5; name: Abc\n‖'
        '<passage document="‖<language>‖<passage document="a" page="1" language="en" match="strong">\na\n'
    ).split("‖"),
]
_AFTER_A_WORD = [
    pair.split("→")
    for pair in (
        "ignore →#‖ignore →\n‖decode→a‖system→\n‖инструкци→я‖from now on →a‖send →a‖{→a‖##→ ‖price →-‖5→ ‖"
        "5 →-‖+7→-‖free →a ‖www.→a.‖a@→a.‖a@→-‖yes→,‖yes,→please do,‖no,→not interested,‖not interested→ ‖"
        "no more →any more ‖no more →vos ‖person→ ‖I am →A‖my name is→:‖my company is →«A ‖ул. А→ ‖1.→1‖"
        "0.1234→ ‖01.02.2026→ ‖01.02.2026, 10:00→ ‖01.02.2026, 10:00 - A: image →omitted ‖```→a‖[→](‖"
        '[a](→(‖![→]‖|a|\n|-|\n→|a|\n‖- →- ‖"→A" ‖Model →X1-‖a→\u0301\u0327'
    ).split("‖")
]
GENERATORS: dict[str, Callable[[int], str]] = {
    **{f"{unit!r} over and over": run(unit) for unit in _REPEATED},
    **{f"{word!r} and {unit!r} over and over": run(unit, word) for word, unit in _AFTER_A_WORD},
    "letters and @": run("a", after="@"),
    "digits and a letter": run("1", after="a"),
    "a row of agreement that ends otherwise": run("perfect,", "yes,", "x"),
    "a wish for silence that ends otherwise": run("vos ", "no more ", "x"),
    "prices, each another": counting("{} € "),
    "prices about the same": counting("about 1000.{:02} € "),
    "numbers of things with prices": counting("Lamp X{} 5 € less 5 %, "),
    "spans of time, each another": counting("{} h "),
    "links, each another": counting("a.kz/{} "),
    "brackets": nested("(", ")"),
    "titled links": nested("[", "](b)"),
    "quotes": nested('"', '" '),
    "lists of JSON": nested("[", "]"),
    "objects of JSON": nested('{"a":', "}"),
    "objects in lists of JSON": nested('[{"a":', "}]"),
    "stars and lines": nested("*_", "_*"),
}


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


def _answers_from(text: str) -> object:
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
    CustomField(name=f"a_{kind}", type=kind, choices=("one", "two") if kind == "choice" else ())
    for kind in ("text", "number", "date", "email", "phone", "choice")
]
_LIMITED = {field.name for field in _FIELDS}  # to so many characters, by the schema that a model answers in
_FACTS = profile.schema(tuple(_FIELDS))
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


def _kept(text: str) -> object:
    """The facts of a model, held against what was said."""
    return profile.kept(_FACTS.model_construct(**_STATED), text, "KZ", _FIELDS)


def _kept_of_the_same(text: str) -> object:
    """The text itself as each of the facts."""
    stated = {name: text[:300] if name in _LIMITED else text for name in _STATED}
    return profile.kept(_FACTS.model_construct(**stated), text, "KZ", _FIELDS)


def _claims(text: str) -> object:
    found = claims.claims_in(text, every=True)
    products = attribution.Owners(found, numbers.plain(text))
    return [(products.known(claim), products.about(claim)) for claim in found], records.records_in(text)


_SHOP = (
    "The lamp Aurora 5 costs 1 500 ₸. Delivery in 2-3 days is free. Open Mon-Sat 10:00-19:00, phone +7 701 "
    "123 45 67."
)


def _findings(reply: str, passage: str, asked: str) -> object:
    sources = [
        evidence.Source("passage", passage),
        evidence.Source("the contact's words", asked, of_contact=True),
    ]
    return verify.findings(reply, evidence.Evidence(sources, asked))


def _exported(text: str) -> object:
    try:
        return chat_export.parse(chat_export.text_of(text.encode("utf-8", "surrogatepass")))
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
        message_text.marked(message),
        message_text.marked(silent, text),
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
    return passages.split(document.Document(name="a.md", pages=[document.Page(number=1, text=text)]))


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
    "facts.kept, valid: what is said": _kept,
    "facts.kept, valid: what is stated": _kept_of_the_same,
    "facts.email, phone, region_of": lambda text: (
        profile.email(text, text),
        profile.phone(text, text, "KZ"),
        profile.region_of(text),
    ),
    "facts.written": lambda text: list(profile.written(text, "KZ")),
    "decisions.decision_in": lambda text: (yes_no.decision_in(text), yes_no.decision_in("yes", text)),
    "phrases, touches, call_phrases": lambda text: (
        phrases.say("greeting", "en", text),
        follow_up_phrases.template("reminder", "en", text, text),
        appointment_phrases.confirmed("en", text),
        appointment_phrases.reminder("en", text),
    ),
    "offline: a message": _answers_a_message,
    "offline: a passage, a prompt, an answer of a tool": _answers_from,
    "claims.claims_in, records_in, owners": _claims,
    "names.named, latin": lambda text: (
        list(product_names.named(text)),
        list(product_names.named(text, every=True)),
        product_names.latin(text),
    ),
    "numbers.numbers_in, spelled": lambda text: (
        numbers.numbers_in(numbers.plain(text)),
        numbers.spelled(text),
    ),
    "owners.differ, equal, same": lambda text: (
        attribution.differ(text, "Lamp 5"),
        attribution.equal(text, text),
        attribution.same(text, ""),
    ),
    "support.findings: a reply": lambda text: _findings(text, _SHOP, "How much is it?"),
    "support.findings: evidence": lambda text: _findings(_SHOP, text, "How much is it?"),
    "support.findings: all alike": lambda text: _findings(text, text[: len(text) // TIMES], text),
    "support.things, units": lambda text: (
        evidence.things(text, "free"),
        units.currency_of(text),
        units.month_of(text),
        units.weekday_of(text),
    ),
    "nodes.extract.sources": lambda text: extract.sources(
        {"name": text, "city": text[:40]}, [HumanMessage(text, id="1")]
    ),
    "nodes.ground.reveals": lambda text: ground.reveals(_SETTINGS, text),
    "nodes.access_lists.listed": lambda text: (
        access_lists.listed(["7701*", text[:64]], text),
        access_lists.listed([text[:64]], "77011234567"),
    ),
    "markup.to_whatsapp": markup.to_whatsapp,
    "markup.bubbles, units": lambda text: (
        markup.bubbles(text),
        markup.bubbles(text, 300),
        markup.units(text),
    ),
    "chat_export.text_of, parse": _exported,
    "masking.Mask": lambda text: masking.Mask(["Анна Петрова", text[:80]], ["Shop Best", text[:80]])(text),
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
    "passages.split": _split,
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

# What our modules remember of a text would make its second reading cheap.
_MODULES = (
    injection,
    screens,
    spam,
    detect,
    profile,
    yes_no,
    offline,
    claims,
    product_names,
    numbers,
    attribution,
    arithmetic,
    verify,
    evidence,
    matching,
    units,
    ground,
)
_FORGET = [f.cache_clear for module in _MODULES for f in vars(module).values() if hasattr(f, "cache_clear")]


def seconds(name: str, text: str, tries: int = 1) -> float:
    """CPU time of one of FUNCTIONS, the least of several runs. The collector of garbage rests meanwhile: it
    would look through whatever else this process holds."""
    best = float("inf")
    gc.disable()
    try:
        for _ in range(tries):
            for forget in (*_FORGET, claims.remembered.clear):
                forget()
            start = time.process_time()
            FUNCTIONS[name](text)
            best = min(best, time.process_time() - start)
    finally:
        gc.enable()
    return best


# (function, generator) -> seconds that the longer text took.
_measured: dict[tuple[str, str], float] = {}


def measured(name: str, kind: str) -> float:
    """What the longer text of a kind costs, measured once."""
    if (name, kind) not in _measured:
        _measured[name, kind] = seconds(name, GENERATORS[kind](LENGTH * TIMES))
    return _measured[name, kind]


def too_slow(name: str, kind: str) -> str:
    """What is wrong with the time a function takes for a kind of text, or nothing."""
    if measured(name, kind) < FLOOR:
        return ""
    short, long = (GENERATORS[kind](length) for length in (LENGTH, LENGTH * TIMES))
    brief, lasting = seconds(name, short), measured(name, kind)
    for tries in (3, 3, 8):  # whatever else the machine does is not held against a function
        if lasting < max(FLOOR, MOST * brief):
            return ""
        brief, lasting = seconds(name, short, tries), seconds(name, long, tries)
        _measured[name, kind] = min(lasting, measured(name, kind))
    if lasting < max(FLOOR, MOST * brief):
        return ""
    return f"{brief:.3f} s for {len(short)} characters, {lasting:.3f} s for {len(long)}"


def test_time_is_warm():
    """The first use of the language model loads it, which is nobody's fault."""
    for name in FUNCTIONS:
        seconds(name, "Do you deliver to Almaty on Friday?")


def test_words_that_read_in_two_ways_are_not_read_in_every_way():
    """With twenty of them there are a million ways; with a row as long as below the tests would not come to
    an end."""
    assert seconds("decisions.decision_in", "yes," + "perfect," * 20 + "x") < 0.2
    assert seconds("screens", "no more " + "vos " * 20 + "any more " * 10 + "x") < 0.2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_time_grows_no_faster_than_the_text(name: str):
    assert not {kind: why for kind in GENERATORS if (why := too_slow(name, kind))}


def reference() -> float:
    """What work that never changes costs here and now, in seconds of CPU: a shared or older core needs
    more."""
    text, best = "nobody 5 kg, somebody 7 days. " * 2_000, float("inf")
    for _ in range(5):
        start = time.process_time()
        for pattern in (r"\b\w+ (?=\d)", r"(?i)(?:mon|tues|wednes)day|\d+ (?:kg|days?)\b", r"\w+body"):
            re.findall(pattern, text)
        sum(letter.isalpha() for letter in text * 4)
        best = min(best, time.process_time() - start)
    return best


def test_a_message_of_any_kind_costs_a_turn_little():
    for kind, make in GENERATORS.items():
        if sum(measured(name, kind) for name in IN_A_TURN) > TURN:
            text = make(LENGTH * TIMES)
            costs = {name: min(measured(name, kind), seconds(name, text, 8)) for name in IN_A_TURN}
            assert sum(costs.values()) < TURN * max(1, reference() / REFERENCE), (kind, costs)


ODD = [
    "9" * 5_000,
    "1," * 2_000,
    "000 00 00",
    "0000000",
    "\U0001e4f5 €",
    "²",
    "1️⃣ 2️⃣",
    "https://",
    "https://...",
    "\x00",
    "\ud800",
    "\ue0005\ue001",
    "[" * 5_000,
    '[{"a": ' * 3_000,
    '{"price": "²"}',
    f'[{{"price": "{"9" * 5_000}"}}]',
]


@pytest.mark.parametrize("said", ODD, ids=range(len(ODD)))
def test_odd_figures_and_brackets_break_nothing(said: str):
    _findings(said, f"{said} 111 11 11", said)
    _answers_from(said)
    _kept(said)
    masking.Mask(["Ann"])(said)


def test_of_long_texts_fewer_are_remembered():
    claims.remembered.clear()
    kept = remembered.Remembered(claims._read, most=50)
    for number in range(40):
        assert len(kept.get(f"{number} € " * 5, every=False)) == 5
    assert len(kept._texts) == 8
