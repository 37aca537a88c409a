"""The chat model that needs no network: deterministic, and honest about what it can do.

It sorts contacts with embeddings and rules, extracts with patterns and validators, answers by quoting the
knowledge base with its source, says so when it does not know, and calls a tool when the request names it. It
answers without keys and when every provider is down. Like any chat model it sees nothing but its messages and
the tools offered."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.language.detect import language_of
from agent.language.locale import anywhere, words
from agent.language.phrases import Phrase, say
from agent.language.screens import (
    asks_for_person,
    is_emergency,
    is_greeting,
    is_injection,
    is_pleasantry,
    is_small_talk,
    is_thanks,
)
from agent.language.spam import is_spam
from agent.language.wishes import request_in
from agent.profile import written
from knowledge_base.embed import bundled

Embed = Callable[[str], Any]

QUOTE_CHARACTERS = 420
# A sentence further than this from the best one does not belong to the answer (cosine,
# multilingual-e5-small).
SENTENCE_MARGIN = 0.03
# What a word in common is worth, on the same scale.
SHARED_WORD = 0.02
# Sentences that are compared with a question by meaning, those that share words with it first: each costs 10
# ms once, so fewer where the question itself is long enough to cost the rest of a turn's time.
EMBEDDED, EMBEDDED_OF_LONG, LONG = 16, 6, 400
CONSIDERED = 5
ASKED_FOR = ("name", "email", "company", "phone")
# The classes must be this far apart; closer, the class stays unknown. Misplacing a client costs a sale.
CLASS_MARGIN = 0.03

_CLIENTS, _OTHERS = words("offline.client_says"), words("offline.other_says")

_PASSAGE = re.compile(r'<passage document="([^"]*)" page="(\d+)" language="(\w*)" match="(\w+)">\n')
_SENTENCE = re.compile(r"(?<=[.!?…।؟])\s+|\n+")
_QUESTION = re.compile(r"[?؟]")
_PRICE = re.compile(anywhere("offline.asks_price"), re.I)


class OfflineChatModel(BaseChatModel):
    """`embed` maps a text to a unit vector of the bundled embedding model, whose distances the thresholds are
    for."""

    embed: Embed

    @property
    def _llm_type(self) -> str:
        return "offline"

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        """Offer tools; with `tool_choice` the one offered is always called."""
        return self.bind(
            offered=[convert_to_openai_tool(tool)["function"] for tool in tools], forced=bool(tool_choice)
        )  # pyright: ignore[reportReturnType]

    def warm(self) -> None:
        """Load the embedding model and what it compares with, which takes a second, before anybody waits for
        it."""
        _seeds(self.embed)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        offered = {tool["name"]: tool for tool in kwargs.get("offered", ())}
        heard = Heard(messages)
        if kwargs.get("forced") and "Verdict" in offered:
            answer = _call("Verdict", self._verdict(heard.said))
        elif kwargs.get("forced") and "Facts" in offered:
            answer = _call("Facts", _facts(heard))
        else:
            answer = self._sell(heard, offered)
        return ChatResult(generations=[ChatGeneration(message=answer)])

    def _verdict(self, said: str) -> dict[str, Any]:
        intent = (
            "emergency"
            if is_emergency(said)
            else "injection"
            if is_injection(said)
            else "person"
            if asks_for_person(said)
            else "business"
        )
        contact_class, reason = "unknown", "too little to tell"
        if is_spam(said):
            contact_class, reason = "non_client", "advertises or pitches something"
        elif len(said.split()) >= 2 and not is_greeting(said):
            vector = self.embed(said)
            client, other = (float(np.max(seeds @ vector)) for seeds in _seeds(self.embed))
            if client - other > CLASS_MARGIN:
                contact_class, reason = "client", "writes like a customer"
            elif other - client > CLASS_MARGIN:
                contact_class, reason = (
                    "non_client",
                    "writes like somebody who offers or seeks something else",
                )
        return {"contact_class": contact_class, "intent": intent, "reason": reason}

    def _sell(self, heard: Heard, offered: dict[str, Any]) -> AIMessage:
        if heard.tool_answers:
            return AIMessage(self._after_tools(heard))
        if "request_human" in offered and asks_for_person(heard.said):
            return _call("request_human", {"reason": heard.said[:200]})
        for name in offered:
            if name in heard.said:
                properties = offered[name]["parameters"].get("properties", {})
                query = heard.said.replace(name, "").strip(" :\n") or heard.said
                return _call(
                    name,
                    {
                        key: query
                        for key, kind in properties.items()
                        if kind.get("type") == "string" and "enum" not in kind
                    },
                )
        if "find_product" in offered and _PRICE.search(heard.said):
            return _call("find_product", {"query": heard.said[:200]})
        return AIMessage(self._from_passages(heard))

    def _after_tools(self, heard: Heard) -> str:
        answers = dict(heard.tool_answers)
        if "request_human" in answers:
            return heard.say("handed_over")
        try:
            found = json.loads(answers["find_product"])
            rows = [_row(row) for row in found if isinstance(row, dict)] if isinstance(found, list) else []
        except (
            KeyError,
            ValueError,
            TypeError,
            RecursionError,
        ):  # no rows, or thousands of brackets within each other
            return self._from_passages(heard)
        return "\n".join(rows) + heard.question() if rows else self._from_passages(heard)

    def _from_passages(self, heard: Heard) -> str:
        if is_greeting(heard.said) or heard.said.startswith("/"):
            return heard.say("greeting")
        if is_small_talk(heard.said):
            return heard.say("more")
        if is_thanks(heard.said):
            return heard.say("thanks")
        if is_pleasantry(heard.said):
            parts = [*re.split(r"[,.!;\n]+", heard.said), *heard.said.split()]
            return heard.say("thanks" if any(is_thanks(part) for part in parts) else "more")
        if heard.said.strip() == "[sticker]":
            return heard.say("more")
        if re.fullmatch(
            r"\s*\[(empty message|image|audio|video|document|sticker|location|contacts)\][^\n]{0,3}\s*",
            heard.said,
        ):
            return heard.say("media")
        if heard.gave_details and not _QUESTION.search(heard.said):
            return heard.say("noted") + heard.question()
        strong = [p for p in heard.passages if p["strong"]]
        if not strong:
            return heard.say("unknown")
        own = [p for p in strong if p["language"] in ("", heard.language)]
        quote, passage = self._quote(heard.said, (own or strong)[:CONSIDERED])
        return f"{quote}\n_{passage['document']}, p. {passage['page']}_" + heard.question()

    def _quote(self, question: str, passages: Sequence[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
        """The paragraph with the sentence nearest to the question, or only its nearest sentences when it is
        long."""
        wanted, words = self.embed(question), _stems(question)

        @cache  # the same line again costs nothing
        def nearness(sentence: str) -> float:
            return float(self.embed(sentence) @ wanted) + SHARED_WORD * len(words & _stems(sentence))

        paragraphs = [(paragraph, p) for p in passages for paragraph in _paragraphs(p["text"])]
        lines = [(s, paragraph, p) for paragraph, p in paragraphs for s in _sentences(paragraph)]
        most = EMBEDDED if len(question) <= LONG else EMBEDDED_OF_LONG
        likely = sorted(lines, key=lambda line: -len(words & _stems(line[0])))[:most]
        rated = [(nearness(s), s, paragraph, p) for s, paragraph, p in lines if (s, paragraph, p) in likely]
        best, _, paragraph, passage = max(rated, key=lambda row: row[0])
        if ": " in paragraph and "; " in paragraph and passage["document"].lower().endswith(".csv"):
            return _row(dict(pair.split(": ", 1) for pair in paragraph.split("; ") if ": " in pair)), passage
        if len(paragraph) <= QUOTE_CHARACTERS:
            return paragraph, passage
        chosen: list[str] = []
        for closeness, sentence, where, _ in sorted(rated, key=lambda row: -row[0]):
            fits = sum(map(len, chosen)) + len(sentence) <= QUOTE_CHARACTERS
            if where is paragraph and closeness >= best - SENTENCE_MARGIN and (fits or not chosen):
                chosen.append(sentence)
        return " ".join(s for s in _sentences(paragraph) if s in chosen), passage


class Heard:
    """What the offline model reads out of its messages."""

    def __init__(self, messages: Sequence[AnyMessage | BaseMessage]) -> None:
        system = "\n".join(str(m.text) for m in messages if isinstance(m, SystemMessage))
        rest = [m for m in messages if not isinstance(m, SystemMessage)]
        last_reply = max(
            (i for i, m in enumerate(rest) if isinstance(m, AIMessage) and not m.tool_calls), default=-1
        )
        turn = rest[last_reply + 1 :]
        spoken = [str(m.text) for m in rest[: last_reply + 1] if isinstance(m, AIMessage)]
        self.before = spoken[-1] if spoken else ""
        self.spoken = "\n".join(spoken)
        self.said = "\n".join(str(m.text) for m in turn if isinstance(m, HumanMessage)).strip()
        self.tool_answers = [
            (str(m.name), str(m.text)) for m in turn if isinstance(m, ToolMessage) and m.status != "error"
        ]
        self.passages = [
            {
                "document": document,
                "page": page,
                "language": language,
                "strong": match == "strong",
                "text": text,
            }
            for document, page, language, match, text in _passages(system)
        ]
        self.language = _tag(system, "language") or language_of(self.said)
        self.business = _tag(system, "business")
        self.region = _tag(system, "region") or None
        self.missing = [field for field in _tag(system, "missing").split(", ") if field in ASKED_FOR]
        self.gave_details = any(True for _ in written(self.said, self.region))

    def say(self, phrase: Phrase) -> str:
        return say(phrase, self.language, self.business)

    def question(self) -> str:
        """One missing detail; each is asked for once, and not right after another question."""

        def in_(text: str, field: str) -> bool:
            return any(say(field, language) in text for language in ("en", self.language))  # pyright: ignore[reportArgumentType]

        open_ = [field for field in self.missing if not in_(self.spoken, field)]
        if not open_ or any(in_(self.before, field) for field in ASKED_FOR):
            return ""
        return f"\n\n{say(open_[0], self.language)}"  # pyright: ignore[reportArgumentType]


def _passages(system: str) -> Iterator[tuple[str, str, str, str, str]]:
    """(document, page, language, match, text) of each passage of a prompt."""
    at = 0
    while opening := _PASSAGE.search(system, at):
        end = system.find("\n</passage>", opening.end())
        if end < 0:
            return
        document, page, language, match = opening.groups()
        yield document, page, language, match, system[opening.end() : end]
        at = end


def _tag(text: str, name: str) -> str:
    _, _, behind = text.partition(f"<{name}>")
    inside, closing, _ = behind.partition(f"</{name}>")
    return inside.strip() if closing else ""


def _call(name: str, args: dict[str, Any]) -> AIMessage:
    seed = f"{name} {json.dumps(args, sort_keys=True)}"
    return AIMessage(
        "",
        tool_calls=[
            {"name": name, "args": args, "id": f"call_{uuid.uuid5(uuid.NAMESPACE_OID, seed).hex[:16]}"}
        ],
    )


def _facts(heard: Heard) -> dict[str, str]:
    facts = dict(written(heard.said, heard.region))
    asked_name = any(say("name", language) in heard.before for language in ("en", heard.language))
    words = heard.said.strip(" .!").split()
    if (
        "name" not in facts
        and asked_name
        and not request_in(heard.said)
        and 1 <= len(words) <= 3
        and all(w[0].isupper() and re.sub("['’-]", "", w).isalpha() for w in words)
    ):
        facts["name"] = words[0]
        if len(words) > 1:
            facts["last_name"] = words[-1]
    return facts


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a passage; headings only when nothing else is there."""
    parts = [part.strip() for part in text.split("\n") if part.strip()]
    return (
        [part for part in parts if part[-1] in ".!?…।؟;" or len(part) > 80 or "; " in part] or parts or [text]
    )


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()][:15] or [text]


def _stems(text: str) -> set[str]:
    """The first five letters of longer words: enough to know `гарантия` in `гарантии`."""
    return {word[:5] for word in re.findall(r"[^\W\d_]{4,}", text.casefold())}


_NAMES, _PRICES = words("columns.product_name"), words("columns.product_price")
_CURRENCIES, _CODES = words("columns.product_currency"), words("columns.product_code")


def _row(row: dict[str, Any]) -> str:
    """A price-list row as a line: the name, the price with its currency, then every other column but article
    codes."""
    rest = {str(k).strip(): str(v).strip() for k, v in row.items() if v not in (None, "")}

    def take(wanted: Sequence[str]) -> tuple[str, str]:
        header = next((h for word in wanted for h in rest if word in h.casefold()), "")
        return (header, rest.pop(header)) if header else ("", "")

    currency = take(_CURRENCIES)[1]
    header, price = take(_PRICES)
    name = take(_NAMES)[1] or (rest.pop(next(iter(rest))) if rest else "")
    unit = currency or (match.group(1) if (match := re.search(r"[(,]\s*([^\s)]{1,5})\)?$", header)) else "")
    others = [
        f"{h.replace('_', ' ')}: {v}"
        for h, v in rest.items()
        if not any(code == h.casefold() for code in _CODES)
    ]
    line = f"*{name}*" + (f": {_grouped(price)} {unit}".rstrip() if price else "")
    return line + (f" ({', '.join(others)})" if others else "")


# A price has fewer digits; Python refuses to read a number of thousands of them.
MOST_DIGITS = 20


def _grouped(number: str) -> str:
    whole = number.isdecimal() and len(number) <= MOST_DIGITS
    return f"{int(number):,}".replace(",", "\u00a0") if whole else number


_SEEDING = Lock()


def _seeds(embed: Embed) -> tuple[Any, Any]:
    with _SEEDING:  # many conversations at once need them the first time, and each embedding costs 10 ms
        return _embedded_seeds(embed)


@lru_cache(maxsize=4)
def _embedded_seeds(embed: Embed) -> tuple[Any, Any]:
    return np.stack([embed(text) for text in _CLIENTS]), np.stack([embed(text) for text in _OTHERS])


def offline_model() -> OfflineChatModel:
    """The model that works without a network, on the bundled embeddings."""
    return OfflineChatModel(embed=bundled().query)
