"""Whoever can write to Redis runs nothing in a worker: what is not plain data or a message is not read."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

import ormsgpack
import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.serde.jsonplus import (
    EXT_CONSTRUCTOR_KW_ARGS,
    EXT_CONSTRUCTOR_POS_ARGS,
    EXT_CONSTRUCTOR_SINGLE_ARG,
    EXT_METHOD_SINGLE_ARG,
    EXT_PYDANTIC_V1,
    EXT_PYDANTIC_V2,
)

from agent.serializer import Poisoned, StrictSerializer
from agent.tool_calls import UNREADABLE, once

MARK: list[str] = []


def mark(*args: Any, **kwargs: Any) -> str:
    """What an attacker would have run."""
    MARK.append("ran")
    return "ran"


def poison(code: int, *parts: Any) -> bytes:
    return ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb((__name__, "mark", *parts))))


POISONS = {
    "single": poison(EXT_CONSTRUCTOR_SINGLE_ARG, "x"),
    "positions": poison(EXT_CONSTRUCTOR_POS_ARGS, ["x"]),
    "names": poison(EXT_CONSTRUCTOR_KW_ARGS, {"x": 1}),
    "method": poison(EXT_METHOD_SINGLE_ARG, "x", "__call__"),
    "pydantic 1": poison(EXT_PYDANTIC_V1, {"x": 1}, "construct"),
    "pydantic 2": poison(EXT_PYDANTIC_V2, {"x": 1}, "model_construct"),
    "os.system": ormsgpack.packb(
        ormsgpack.Ext(EXT_CONSTRUCTOR_SINGLE_ARG, ormsgpack.packb(("os", "system", "touch /tmp/pwned")))
    ),
    "inside": ormsgpack.packb(
        {"messages": [1, ormsgpack.Ext(EXT_CONSTRUCTOR_SINGLE_ARG, ormsgpack.packb((__name__, "mark", 1)))]}
    ),
    "inside a message": ormsgpack.packb(
        ormsgpack.Ext(
            EXT_PYDANTIC_V2,
            ormsgpack.packb(
                (
                    "langchain_core.messages.human",
                    "HumanMessage",
                    {
                        "content": ormsgpack.Ext(
                            EXT_CONSTRUCTOR_SINGLE_ARG, ormsgpack.packb((__name__, "mark", 1))
                        )
                    },
                    "model_validate_json",
                )
            ),
        )
    ),
    "cut": b"\xc7",
    "no msgpack": b"\xc1\xc1",
}


@pytest.mark.parametrize("name", POISONS)
def test_a_poisoned_value_raises_and_nothing_runs(name: str):
    with pytest.raises(Poisoned):
        StrictSerializer().loads_typed(("msgpack", POISONS[name]))
    assert MARK == []


@pytest.mark.parametrize("kind", ["pickle", "json", "yaml", ""])
def test_no_other_kind_of_value_is_read(kind: str):
    with pytest.raises(Poisoned, match="never written"):
        StrictSerializer().loads_typed((kind, pickle.dumps("x")))


def test_what_we_write_comes_back():
    value = {
        "messages": [
            HumanMessage("hi", id="1"),
            AIMessage("yes", id="2"),
            ToolMessage("4", tool_call_id="c"),
        ],
        "profile": {"name": "Ann"},
        "at": 1,
        "touch": None,
    }
    serializer = StrictSerializer()
    assert serializer.loads_typed(serializer.dumps_typed(value)) == value


async def test_a_poisoned_answer_of_a_tool_is_shown_and_the_tool_is_not_called_again():
    class Ledger:
        aside: ClassVar[list[str]] = []

        async def read(self, key: str) -> bytes | None:
            return POISONS["single"]

        async def write(self, key: str, answer: bytes) -> None:
            raise AssertionError("nothing is written over it")

        async def set_aside(self, key: str, why: str) -> None:
            self.aside.append(why)

    async def call() -> Any:
        raise AssertionError("it was called before")

    answer = await once(Ledger(), "key", "call-1", call)
    assert isinstance(answer, ToolMessage) and answer.content == UNREADABLE and answer.status == "error"
    assert MARK == [] and "mark" in Ledger.aside[0]
