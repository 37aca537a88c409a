"""What working memory and tool answers are kept as: strict msgpack, of which nothing but plain data and
messages is made.

Whoever can write to Redis must not be able to run code in a worker, so a value that names any other type is
not read at all (LangGraph's own serializer only warns, or hands on what the type would have been made of).
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from langgraph.checkpoint.serde.event_hooks import SerdeEvent, register_serde_event_listener
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

KINDS = ("null", "bytes", "bytearray", "msgpack")

# What the value that is being read names although it may not. LangGraph tells one listener for all readers,
# so this says which of them is meant; it is set and read within one call of `loads_typed`.
_refused: ContextVar[list[str] | None] = ContextVar("refused", default=None)


class Poisoned(ValueError):
    """A value in Redis that we did not write, or that was damaged; nothing of it was used."""


def _note(event: SerdeEvent) -> None:
    if (refused := _refused.get()) is not None:
        refused.append(f"{event['module']}.{event['name']}")


register_serde_event_listener(_note)


class StrictSerializer(JsonPlusSerializer):
    """LangGraph's serializer, for plain data, LangChain's messages and LangGraph's own types alone."""

    def __init__(self) -> None:
        super().__init__(pickle_fallback=False, allowed_json_modules=None, allowed_msgpack_modules=None)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value. Raises Poisoned."""
        if data[0] not in KINDS:
            raise Poisoned(f"a value of the kind {data[0]!r}, which is never written")
        refused: list[str] = []
        token = _refused.set(refused)
        try:
            value = super().loads_typed(data)
        except Exception as error:  # whatever a damaged value provokes in the reader
            raise Poisoned(f"a value that cannot be read ({type(error).__name__})") from error
        finally:
            _refused.reset(token)
        if refused:
            raise Poisoned(f"a value that names {refused[0][:100]}, which is never written")
        return value
