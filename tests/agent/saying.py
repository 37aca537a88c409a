"""Scripts of a chat model for conversations about conduct."""

from __future__ import annotations

from langchain_core.messages import AIMessage

from tests.support.shop.chatting import call, told


def saying(*replies: str, verdict: dict | None = None, facts: dict | None = None):
    """A model that says these one after another, and the last one again."""
    left = list(replies)

    def script(messages, offered):
        if offered in (["Verdict"], ["Facts"]):
            return call(offered[0], (verdict if offered == ["Verdict"] else facts) or {})
        return AIMessage(left.pop(0) if len(left) > 1 else left[0])

    return script


def sales_prompts(model) -> list[str]:
    return [told(m) for m, offered in model.asked if offered not in (["Verdict"], ["Facts"])]
