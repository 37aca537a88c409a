"""python -m benchmarks.product: the product with an in-process model that answers after BENCH_DELAY seconds.

The model is replaced at the chat-model boundary and nowhere else, so that what is measured is ours.
"""

from __future__ import annotations

import asyncio
import os
from functools import partialmethod
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent.models import chat
from server.cli import main as cli

FILLER = "the quick brown espresso machine jumps over the lazy grinder and " * 3
ARGUMENTS: dict[str, dict[str, Any]] = {
    "Verdict": {"contact_class": "client", "intent": "business", "reason": "asks"},
    "Facts": {},
    "Verified": {"sentences": [{"n": 1, "status": "no_claim"}]},
}


class Stub(BaseChatModel):
    """Everybody is a client, nobody says anything of themselves, every answer is the same; `prompts` are
    lengths."""

    delay: float = 0
    prompts: Any = None

    @property
    def _llm_type(self) -> str:
        return "stub"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(offered=[convert_to_openai_tool(tool)["function"]["name"] for tool in tools])

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        name = next((n for n in kwargs.get("offered", []) if n in ARGUMENTS), "")
        if not name and (counted := os.environ.get("BENCH_ANSWERS")):
            with open(counted, "a") as file:
                file.write("1")
        if not name and self.prompts is not None:
            self.prompts.append(sum(len(str(m.text)) for m in messages))
        call = [{"name": name, "args": ARGUMENTS[name], "id": "1"}] if name else []
        return ChatResult(
            generations=[ChatGeneration(message=AIMessage("" if name else FILLER, tool_calls=call))]
        )

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        await asyncio.sleep(self.delay)
        return self._generate(messages, stop, None, **kwargs)


def main() -> None:
    """Run a `salesgraph` command with the stub behind every model name."""
    stub = Stub(delay=float(os.environ.get("BENCH_DELAY", "0")))
    chat.Models.__init__ = partialmethod(chat.Models.__init__, maker=lambda *_: stub)
    cli.main()


if __name__ == "__main__":
    main()
