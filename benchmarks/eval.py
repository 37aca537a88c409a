"""The deterministic layers of the agent, and its models, on inputs that other people wrote; one table.

    python -m benchmarks.eval DATA                          (make eval) the offline model; no key, no network
    python -m benchmarks.eval DATA --requests OUT.jsonl     writes what a model would be asked
    python -m benchmarks.eval DATA --answers IN.jsonl       judges what somebody answered
    python -m benchmarks.eval DATA --batch                  asks a provider's batch API

Carried calls are of moderation, extraction and the verifier, `--sample` inputs a set, and their rows come in
place of those of the offline model; those without an answer do not count. How calls are carried by files:
`server.replay.batch`. Recall: of what should be found, how much was. False alarms: of what should not be, how
much was."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import phonenumbers
import yaml
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from agent.context import PROFILE_FIELDS, Context
from agent.grounding.verify import unsupported_claims
from agent.language.phrases import say
from agent.language.screens import asks_for_person, is_emergency, is_injection, is_stop, is_suspicious
from agent.language.spam import is_spam
from agent.language.yes_no import decision_in
from agent.models.chat import OFFLINE, Models
from agent.models.offline import offline_model
from agent.models.usage import Meter
from agent.nodes.moderate import Verdict
from agent.profile import Facts, checked_facts, email, phone
from agent.prompts import filled
from benchmarks.grounding import add_carriage, asked_of, judged
from server.cli.common import load_settings
from server.replay.batch.carriage import Carriage
from server.replay.batch.exchange import or_waiting
from server.replay.batch.rounds import carried
from tests.agent.grounding.labelled import FOLDER, evidence

Row = tuple[str, str, str]
Item = TypeVar("Item")


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


@dataclass(frozen=True)
class Asker:
    """Who is asked what a model decides: the offline model about all inputs, or whoever answers carried calls
    about `sample` inputs of each set."""

    models: Models
    name: str = OFFLINE
    sample: int = 0

    def some(self, items: Iterable[Item]) -> list[Item]:
        """The inputs of a set that are asked about: all, or so many from all over it."""
        every = list(items)
        return every[:: max(1, len(every) // self.sample)][: self.sample] if self.sample else every

    async def parsed(self, prompt: str, messages: Sequence[AnyMessage], schema: type[BaseModel]) -> Any:
        """The form that was filled; None where no answer is there yet."""
        told = [SystemMessage(prompt), *messages]
        asked = await or_waiting(self.models.ask(self.name, told, Meter(), schema=schema))
        return asked.parsed if asked and (self.name == OFFLINE or asked.model != OFFLINE) else None

    async def each(
        self, items: Sequence[Item], ask: Callable[[Item], Awaitable[Any]]
    ) -> list[tuple[Item, Any]]:
        """Items with what was answered about them, those without an answer left out."""
        answers = await asyncio.gather(*map(ask, items))
        return [(item, found) for item, found in zip(items, answers, strict=True) if found is not None]


async def classes(data: Path, asker: Asker) -> list[Row]:
    context, found = Context(), list[Row]()
    prompt = filled(context.moderate_prompt, business=context.business)
    for kind in ("customer_question", "spam_or_vendor", "personal_chat_not_a_client"):
        every = rows(data / "06_safety" / "contact_kind.jsonl")
        texts = asker.some(r["text"] for r in every if r["contact_kind"] == kind)
        verdicts = await asker.each(texts, lambda text: asker.parsed(prompt, [HumanMessage(text)], Verdict))
        turned = share(verdicts, lambda p: p[1].contact_class == "non_client")
        found.append((f"{asker.name} moderator: {kind.replace('_', ' ')}", "turned away", turned))
    return found


def extraction_prompt(context: Context) -> str:
    """What extraction is told of a contact of whom nothing is known."""
    return filled(
        context.extract_prompt,
        business=context.business,
        fields=", ".join(PROFILE_FIELDS),
        profile="nothing",
        notes="none",
        region="",
        stage="situation",
    )


async def extraction(data: Path, asker: Asker) -> list[Row]:
    folder, prompt = data / "05_extraction", extraction_prompt(Context())
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

    async def facts(row: dict[str, Any], asks_name: bool = False) -> dict[str, str] | None:
        asks = asks_name or "first_name" in row.get("asked_for", ())
        before: list[AnyMessage] = [AIMessage(say("name", "en"))] if asks else []
        parsed = await asker.parsed(prompt, [*before, HumanMessage(row["text"])], Facts)
        return checked_facts(parsed, row["text"], None) if parsed is not None else None

    names = asker.some(rows(folder / "names_restaurant8k.jsonl"))
    got = [(row["gold"], found) for row, found in await asker.each(names, facts)]
    with_name = [(gold, facts) for gold, facts in got if gold.get("first_name")]
    without = [(gold, facts) for gold, facts in got if not gold.get("first_name")]
    first = share(with_name, lambda g: g[1].get("name", "").casefold() == g[0]["first_name"].casefold())
    found.append((f"{asker.name} extraction: messages with a name", "first name right", first))
    made_up = share(without, lambda g: g[1].get("name", g[0].get("last_name")) != g[0].get("last_name"))
    misfiled = share(without, lambda g: "name" in g[1] and g[1]["name"] == g[0].get("last_name"))
    found.append((f"{asker.name} extraction: messages without", "a first name made up", made_up))
    found.append(("the same", "a family name, given alone, taken for the first", misfiled))
    found += [row async for row in _other_sets(folder, facts, asker)]
    kinds = rows(data / "06_safety" / "contact_kind.jsonl")
    questions = await asker.each(
        asker.some(r for r in kinds if r["contact_kind"] == "customer_question"), facts
    )
    any_field = share(questions, lambda p: p[1])
    found.append((f"{asker.name} extraction: questions without details", "any field filled", any_field))
    return found


async def _other_sets(folder: Path, facts: Callable[..., Any], asker: Asker) -> AsyncIterator[Row]:
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
    told = asker.some(rows(folder / "spoken_names_evi.jsonl"))
    spoken = await asker.each(told, lambda row: facts(row, asks_name=True))
    heard = [p for p in spoken if p[0]["gold"]["first_name"] and p[0]["gold"]["first_name"] in p[0]["text"]]
    first = share(heard, lambda p: p[1].get("name") == p[0]["gold"]["first_name"])
    yield "names heard on the phone, asked for, heard right", "first name right", first
    made = await asker.each(asker.some(rows(folder / "entities_wikineural_multilingual.jsonl")), facts)
    anything = share(made, lambda p: p[1])
    yield "encyclopedia sentences in 8 languages, about others", "any field filled", anything
    got = await asker.each(asker.some(rows(folder / "pii_presidio.jsonl")), facts)
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


def labelled() -> Iterable[tuple[str, list[tuple[dict[str, Any], dict[str, Any]]]]]:
    """The labelled replies with their shops, by set."""
    known, unseen = [], []
    for path in sorted(FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        (unseen if path.stem == "unseen" else known).extend(
            (r, content["shops"][r["shop"]]) for r in content["replies"]
        )
    yield "replies in 6 languages", known
    yield "96 hard replies, labelled last", unseen


def grounding() -> Iterable[Row]:
    for name, pairs in labelled():
        bad = [
            unsupported_claims(r["reply"], evidence(r, shop))
            for r, shop in pairs
            if r["label"] == "unsupported"
        ]
        good = [
            unsupported_claims(r["reply"], evidence(r, shop))
            for r, shop in pairs
            if r["label"] == "supported"
        ]
        yield f"grounding, {name}: unsupported", "let through", share(bad, lambda found: not found)
        yield f"grounding, {name}: supported", "false alarms", share(good, bool)


async def verified(asker: Asker) -> list[Row]:
    """The labelled replies, read by a verifier and held to what it cites."""
    found = list[Row]()
    for name, pairs in labelled():
        for label, measure in (("unsupported", "let through"), ("supported", "false alarms")):
            mine = asker.some((r, shop) for r, shop in pairs if r["label"] == label)
            told = [{"lang": "en", "heard": (), **row, "shop": row["id"]} for row, _ in mine]
            shops = {row["id"]: shop for row, shop in mine}
            read = await asked_of(asker.models, shops, told)
            stopped = [bool(judged(shops[r["id"]], r, read[r["id"]])) for r in told if r["id"] in read]
            wrong = share(stopped, bool if label == "supported" else lambda one: not one)
            found.append((f"verifier, {name}: {label}", measure, wrong))
    return found


async def table(data: Path, asker: Asker) -> list[Row]:
    """All rows."""
    read = await verified(asker) if asker.sample else grounding()
    asked = [*await classes(data, asker), *await extraction(data, asker)]
    return [*safety(data), *asked, *decisions(data), *read]


async def main(data: Path, carriage: Carriage, sample: int) -> None:
    found = list[Row]()
    if not carriage.is_used:
        found = await table(data, Asker(Models(offline_model())))
    else:
        async with carried(carriage, load_settings()) as calls:

            async def play() -> None:
                found[:] = await table(data, Asker(calls.models, calls.models.default, sample))

            await calls.until_done(play)
    print("| what | measure | figure |\n|---|---|---|")
    for row in found:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eval")
    parser.add_argument("data", type=Path, nargs="?", default=Path("../shared/data"))
    parser.add_argument(
        "--sample", type=int, default=40, help="inputs of each set that carried calls ask about"
    )
    add_carriage(parser)
    given = parser.parse_args()
    if not given.data.is_dir():
        raise SystemExit(f"{given.data} is no folder: name the evaluation data")
    asyncio.run(main(given.data, Carriage(given.requests, given.answers, given.batch), max(1, given.sample)))
