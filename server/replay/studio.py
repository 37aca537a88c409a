"""What goes between here and LangGraph Studio's server (`make studio`): prompts come back, conversations go
over as copies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from langchain_core.messages import AnyMessage, messages_to_dict
from pydantic import ValidationError

from agent.context import Context
from agent.prompts import split_front_matter, with_text
from server.replay.export import LISTS
from server.replay.masking import Mask
from server.store.records import Contact

GRAPH = "salesgraph"
# The page that shows a server of one's own ("LangGraph Studio": baseUrl); it needs the internet and a free
# account.
PAGE = "https://smith.langchain.com/studio/"
SECONDS = 30
# What of the working memory a copy takes along; the rest is worked out anew in every turn.
KEPT = ("messages", "profile", "owner", "summary", "bot_id", "identity", "at")


class StudioError(RuntimeError):
    """Studio's server did not do what it was asked for; the message says what to do."""


def pulled(url: str, name: str, folder: Path) -> list[Path]:
    """Write the prompts of the assistant `name` (empty: the one that has any of its own) over the files of
    `folder`, and return those that changed. Front matter stays. Raises StudioError, with nothing written, for
    a prompt no run would take."""
    with _client(url) as client:
        found = _asked(client, "POST", "/assistants/search", {"graph_id": GRAPH, "limit": 100})
    context = _context(_chosen(found, name))
    texts = {
        field.removesuffix("_prompt"): str(text).strip()
        for field, text in context.items()
        if field.endswith("_prompt")
    }
    try:
        Context.model_validate({f"{prompt}_prompt": text for prompt, text in texts.items()})
    except ValidationError as error:
        raise StudioError("; ".join(str(e["msg"]) for e in error.errors())) from None
    changed: list[tuple[Path, str]] = []
    for prompt, text in sorted(texts.items()):
        path = folder / f"{prompt}.md"
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if split_front_matter(before)[1] != text:
            changed.append((path, with_text(before, text)))
    for path, file in changed:
        path.write_text(file, encoding="utf-8")
    return [path for path, _ in changed]


def _context(assistant: Mapping[str, Any]) -> dict[str, Any]:
    """What an assistant has of its own, by field."""
    return assistant.get("context") or {}


def _chosen(assistants: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    edited = [a for a in assistants if any(field.endswith("_prompt") for field in _context(a))]
    wanted = [a for a in assistants if a["name"] == name] if name else edited
    if len(wanted) == 1:
        return wanted[0]
    known = ", ".join(sorted({a["name"] for a in edited})) or "none"
    if not wanted:
        missing = f"there is no assistant {name!r}" if name else "no assistant has prompts of its own"
        raise StudioError(f"{missing}; save one in Studio (with prompts of their own: {known})")
    raise StudioError(
        f"{len(wanted)} assistants {'are called ' + name if name else 'have prompts'}: name one of {known}"
    )


def open_in_studio(url: str, title: str, values: Mapping[str, Any], context: Context) -> str:
    """Copy a conversation into Studio's server as a thread of its own, with the bot's settings as an
    assistant, and return the address of its page. Nothing that happens there comes back. Raises
    StudioError."""
    own = context.model_dump(mode="json", exclude_defaults=True, exclude=set(LISTS))
    assistant = str(uuid.uuid5(uuid.NAMESPACE_URL, f"salesgraph:{title}"))
    with _client(url) as client:
        known = _asked(client, "POST", "/assistants/search", {"graph_id": GRAPH, "limit": 100})
        if any(each["assistant_id"] == assistant for each in known):
            _asked(client, "PATCH", f"/assistants/{assistant}", {"context": own})
        else:
            _asked(
                client,
                "POST",
                "/assistants",
                {"assistant_id": assistant, "graph_id": GRAPH, "name": title, "context": own},
            )
        metadata = {"graph_id": GRAPH, "assistant_id": assistant, "title": title}
        thread = _asked(client, "POST", "/threads", {"metadata": metadata})["thread_id"]
        state = {name: values[name] for name in KEPT if values.get(name)}
        state["messages"] = _plain(state.get("messages", []))
        _asked(client, "POST", f"/threads/{thread}/state", {"values": state, "as_node": "remember"})
    return f"{PAGE}thread/{thread}?baseUrl={url}&assistantId={assistant}"


def masked(values: Mapping[str, Any], contact: Contact) -> dict[str, Any]:
    """The working memory of a conversation with people taken out of it."""
    mask = Mask(
        [contact.name, *(contact.profile.get(field, "") for field in ("name", "last_name", "company"))]
    )
    # a provider's message id may have the number in it
    messages = [
        m.model_copy(update={"content": mask(str(m.text)), "id": f"copied.{number}"})
        for number, m in enumerate(values.get("messages", []))
    ]
    plain = {name: mask(values[name]) for name in KEPT if name in values and name != "messages"}
    return {**plain, "messages": messages}


def _plain(messages: Sequence[AnyMessage]) -> list[dict[str, Any]]:
    return [{**each["data"], "type": each["type"]} for each in messages_to_dict(list(messages))]


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=SECONDS, trust_env=False)


def _asked(client: httpx.Client, method: str, path: str, body: Any) -> Any:
    try:
        answer = client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()
    except ValueError:
        raise StudioError(f"{client.base_url} is not Studio's server; start it with: make studio") from None
    except httpx.HTTPStatusError as error:
        raise StudioError(f"{path}: {error.response.status_code} {error.response.text[:300]}") from None
    except httpx.HTTPError as error:
        raise StudioError(
            f"no answer from {client.base_url} ({error}); start it with make studio, and give --url if it "
            "names another port"
        ) from None
