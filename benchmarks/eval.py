"""The deterministic layers of the agent, and its offline model, on inputs that other people wrote; one table.

    python -m benchmarks.eval DATA        (make eval)

No key and no network. Recall: of what should be found, how much was. False alarms: of what should not be, how
much was."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import phonenumbers
import yaml
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agent.grounding.verify import unsupported
from agent.language.phrases import say
from agent.language.screens import asks_for_person, is_emergency, is_injection, is_stop, is_suspicious
from agent.language.spam import is_spam
from agent.language.yes_no import decision_in
from agent.models.chat import Models
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.nodes.moderate import Verdict
from agent.profile import Facts, email, kept, phone
from tests.agent.grounding.labelled import FOLDER, evidence

Row = tuple[str, str, str]


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def share(items: Iterable[Any], true: Callable[[Any], bool]) -> str:
    """`123 of 456 (27.0 %)`."""
    found = [bool(true(item)) for item in items]
    return f"{sum(found)} of {len(found)} ({100 * sum(found) / max(1, len(found)):.1f} %)"


def safety(data: Path) -> Iterable[Row]:
    folder = data / "06_safety"
    injections = rows(folder / "prompt_injection.jsonl")
    bad = [r["text"] for r in injections if r["label"] == "injection"]
    good = [r["text"] for r in injections if r["label"] == "benign"]
    yield "attempts on the rules", "recall of the screen", share(bad, is_injection)
    yield "look-alikes that are none", "false alarms", share(good, is_injection)
    harmless = [r["text"] for r in rows(folder / "over_refusal_xstest.jsonl") if r["label"] == "safe"]
    yield "harmless questions with alarming words (xstest)", "refused", share(harmless, is_injection)
    yield "the same", "taken for an emergency", share(harmless, is_emergency)
    kinds = rows(folder / "contact_kind.jsonl")
    questions = [r["text"] for r in kinds if r["contact_kind"] == "customer_question"]
    stopped = share(
        questions, lambda t: is_injection(t) or is_emergency(t) or asks_for_person(t) or is_stop(t)
    )
    yield "questions of customers", "stopped by any screen", stopped
    ham = [r["text"] for r in rows(folder / "sms_spam.jsonl") if r["label"] == "ham"]
    yield "private messages", "taken for an opt-out", share(ham, is_stop)
    yield "the same", "taken for advertising", share(ham, is_spam)
    spam = [r["text"] for r in rows(folder / "sms_spam.jsonl") if r["label"] == "spam"]
    yield "advertising by SMS", "recall of the screen", share(spam, is_spam)
    turns = [
        t["text"]
        for r in rows(data / "04_dialogues" / "sgd.jsonl")
        for t in r["turns"]
        if t["role"] == "user"
    ]
    yield "what customers say in real dialogues", "taken for advertising", share(turns, is_spam)
    yield "the same", "taken for an opt-out", share(turns, is_stop)
    planted = [r["text"] for r in rows(folder / "indirect_injection.jsonl")]
    yield "orders planted in documents (fenced anyway)", "recall of the screen", share(planted, is_injection)
    harmful = [r["text"] for r in rows(folder / "harmful_multilingual.jsonl")]
    yield "harmful requests in 6 languages (for the model)", "seen by a screen", share(harmful, is_suspicious)


async def classes(data: Path) -> list[Row]:
    models, found = Models(offline_model()), []
    for kind in ("customer_question", "spam_or_vendor", "personal_chat_not_a_client"):
        texts = [
            r["text"] for r in rows(data / "06_safety" / "contact_kind.jsonl") if r["contact_kind"] == kind
        ]
        verdicts = [
            (
                await models.ask(
                    "offline", [SystemMessage("moderate"), HumanMessage(t)], Meter(), schema=Verdict
                )
            ).parsed
            for t in texts
        ]
        turned = share(verdicts, lambda v: v.contact_class == "non_client")
        found.append((f"offline moderator: {kind.replace('_', ' ')}", "turned away", turned))
    return found


async def extraction(data: Path) -> list[Row]:
    folder, models = data / "05_extraction", Models(offline_model())
    addresses = rows(folder / "email_addresses.jsonl")
    valid = [r["address"] for r in addresses if r["valid"]]
    invalid = [r["address"] for r in addresses if not r["valid"]]
    forms = [(form, r) for r in rows(folder / "phones_libphonenumber.jsonl") for form in r["written_forms"]]
    found = [
        ("valid e-mail addresses", "kept", share(valid, lambda a: email(a, a))),
        ("invalid e-mail addresses", "kept", share(invalid, lambda a: email(a, a))),
        (
            "phone numbers in five forms",
            "kept as E.164",
            share(forms, lambda f: phone(f[0], f[0], f[1]["region"]) == f[1]["e164"]),
        ),
    ]

    async def facts(text: str, asked_for: Sequence[str] = ()) -> dict[str, str]:
        before = [AIMessage(say("name", "en"))] if "first_name" in asked_for else []
        asked = await models.ask(
            "offline", [SystemMessage("extract"), *before, HumanMessage(text)], Meter(), schema=Facts
        )
        return kept(asked.parsed, text, None)

    names = rows(folder / "names_restaurant8k.jsonl")
    got = [(r["gold"], await facts(r["text"], r["asked_for"])) for r in names]
    with_name = [(gold, facts) for gold, facts in got if gold.get("first_name")]
    without = [(gold, facts) for gold, facts in got if not gold.get("first_name")]
    first = share(with_name, lambda g: g[1].get("name", "").casefold() == g[0]["first_name"].casefold())
    found.append(("offline extraction: messages with a name", "first name right", first))
    made_up = share(without, lambda g: g[1].get("name", g[0].get("last_name")) != g[0].get("last_name"))
    misfiled = share(without, lambda g: "name" in g[1] and g[1]["name"] == g[0].get("last_name"))
    found.append(("offline extraction: messages without", "a first name made up", made_up))
    found.append(("the same", "a family name, given alone, taken for the first", misfiled))
    found += [row async for row in _other_sets(folder, facts)]
    questions = [
        r["text"]
        for r in rows(data / "06_safety" / "contact_kind.jsonl")
        if r["contact_kind"] == "customer_question"
    ]
    filled = [await facts(text) for text in questions]
    found.append(("offline extraction: questions without details", "any field filled", share(filled, bool)))
    return found


async def _other_sets(folder: Path, facts: Callable[..., Any]) -> AsyncIterator[Row]:
    people = rows(folder / "identities_fictional.jsonl")
    yield "e-mails of fictional people", "kept", share(people, lambda r: email(r["email"], r["email"]))
    valid = [r for r in people if valid_number(r["phone"], r["country"])]
    right = share(valid, lambda r: phone(r["phone"], r["phone"], r["country"]))
    yield "their phone numbers that are valid in their country", "kept", right
    invalid = [r for r in people if r not in valid]
    yield (
        "their phone numbers that are not",
        "kept",
        share(invalid, lambda r: phone(r["phone"], r["phone"], r["country"])),
    )
    spoken = [(r, await facts(r["text"], ["first_name"])) for r in rows(folder / "spoken_names_evi.jsonl")]
    heard = [p for p in spoken if p[0]["gold"]["first_name"] and p[0]["gold"]["first_name"] in p[0]["text"]]
    first = share(heard, lambda p: p[1].get("name") == p[0]["gold"]["first_name"])
    yield "names heard on the phone, asked for, heard right", "first name right", first
    news = [r for r in rows(folder / "entities_wikineural_multilingual.jsonl")]
    made = [await facts(r["text"]) for r in news]
    yield "encyclopedia sentences in 8 languages, about others", "any field filled", share(made, bool)
    cards = [r for r in rows(folder / "pii_presidio.jsonl")]
    got = [(r, await facts(r["text"])) for r in cards]
    with_mail = [p for p in got if len(p[0]["gold"]["email"]) == 1]
    mails = share(
        with_mail, lambda p: p[1].get("email", "").casefold() == p[0]["gold"]["email"][0].casefold()
    )
    yield "texts with one e-mail and other numbers (presidio)", "e-mail right", mails
    distracted = [p for p in got if p[0]["distractors"] and not p[0]["gold"]["phone"]]
    yield (
        "texts with card numbers, dates, addresses and no phone",
        "a phone made up",
        share(distracted, lambda p: "phone" in p[1]),
    )


def valid_number(written: str, region: str) -> bool:
    """Whether libphonenumber takes a number, read in its country, for one that can exist."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, region))
    except phonenumbers.NumberParseException:
        return False


def decisions(data: Path) -> Iterable[Row]:
    """The screen for a definitive yes or no: how often it is right where it decides, corrections and "nothing
    else" counted as wrong, and how much it leaves to the model."""
    traps = ("no_plus_correction", "nothing_else_needed")
    answers = rows(data / "04_dialogues" / "yes_no.jsonl")
    made = [(r, decision_in(r["text"], r["context"] or "")) for r in answers]
    for name in ("yes", "no"):
        found = [r for r, decision in made if decision == name]
        right = share(found, lambda r, n=name: r["label"] == n and r["strength"] not in traps)
        yield f"a definitive {name}, where the screen says so", "precision", right
    decided = [(r, d) for r, d in made if d in ("yes", "no")]
    both = share(decided, lambda p: p[1] == p[0]["label"] and p[0]["strength"] not in traps)
    yield "both together", "precision", both
    yield "answers of people in dialogues", "left to the model", share(made, lambda p: p[1] is None)


def grounding() -> Iterable[Row]:
    known, unseen = [], []
    for path in sorted(FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        (unseen if path.stem == "unseen" else known).extend(
            (r, content["shops"][r["shop"]]) for r in content["replies"]
        )
    for name, pairs in (("replies in 6 languages", known), ("96 hard replies, labelled last", unseen)):
        bad = [unsupported(r["reply"], evidence(r, shop)) for r, shop in pairs if r["label"] == "unsupported"]
        good = [unsupported(r["reply"], evidence(r, shop)) for r, shop in pairs if r["label"] == "supported"]
        yield f"grounding, {name}: unsupported", "let through", share(bad, lambda found: not found)
        yield f"grounding, {name}: supported", "false alarms", share(good, bool)


async def main(data: Path) -> None:
    table = [*safety(data), *await classes(data), *await extraction(data), *decisions(data), *grounding()]
    print("| what | measure | figure |\n|---|---|---|")
    for row in table:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    if not folder.is_dir():
        raise SystemExit(f"{folder} is no folder: name the evaluation data")
    asyncio.run(main(folder))
