"""The chat model that needs no network: deterministic, and honest about what it can do.

It sorts contacts with embeddings and rules, extracts with patterns and validators, answers by quoting the
knowledge base and the opening hours, question by question, says so when it does not know, and calls a tool
when the request names it. It answers without keys and when every provider is down. Like any chat model it
sees nothing but its messages and the tools offered."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.language.locale import locale_phrases
from agent.language.phrases import say
from agent.language.screens import asks_for_person, is_emergency, is_greeting, is_injection
from agent.language.spam import is_spam
from agent.language.wishes import request_in
from agent.offline.answers import Answers
from agent.offline.asking import noteworthy_in
from agent.offline.heard import Heard
from agent.offline.quoting import Embed
from agent.profile import facts_by_pattern
from knowledge_base.embed import bundled

# The classes must be this far apart; closer, the class stays unknown. Misplacing a client costs a sale.
CLASS_MARGIN = 0.03
# Characters of a question that a tool is asked.
QUERY_CHARACTERS = 200

_CLIENTS, _OTHERS = locale_phrases("offline.client_says"), locale_phrases("offline.other_says")


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
        )

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
            answer = _calls([("Verdict", self._verdict(heard.said))])
        elif kwargs.get("forced") and "Facts" in offered:
            answer = _calls([("Facts", _facts(heard))])
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
        answers = Answers(heard, self.embed)
        if heard.tool_answers:
            more = answers.also_looked_up() if "find_product" in offered else []
            return _calls([("find_product", {"query": query}) for query in more] or answers.text())
        if "request_human" in offered and asks_for_person(heard.said):
            return _calls([("request_human", {"reason": heard.said[:QUERY_CHARACTERS]})])
        for name in offered:
            if name in heard.said:
                properties = offered[name]["parameters"].get("properties", {})
                query = heard.said.replace(name, "").strip(" :\n") or heard.said
                wanted = offered[name]["parameters"].get("required") or list(properties)
                args = {key: query for key in wanted if _takes_text(properties.get(key, {}))}
                return _calls([(name, args)])
        wanted = answers.looked_up() if "find_product" in offered else []
        return _calls([("find_product", {"query": query}) for query in wanted] or answers.text())


def _takes_text(kind: dict[str, Any]) -> bool:
    return kind.get("type") == "string" and "enum" not in kind


def _calls(calls: Sequence[tuple[str, dict[str, Any]]] | str) -> AIMessage:
    """Calls of tools, or the text of a reply."""
    if isinstance(calls, str):
        return AIMessage(calls)
    made: list[ToolCall] = []
    for name, args in calls:
        seed = f"{name} {json.dumps(args, sort_keys=True)}"
        id = f"call_{uuid.uuid5(uuid.NAMESPACE_OID, seed).hex[:16]}"
        made.append(ToolCall(name=name, args=args, id=id))
    return AIMessage("", tool_calls=made)


def _facts(heard: Heard) -> dict[str, Any]:
    facts = dict(facts_by_pattern(heard.said, heard.region))
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
    noted = [{"key": key, "text": said, "quote": said} for key, said in noteworthy_in(heard.said)]
    return {**facts, "notes": noted} if noted else facts


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
