"""Conversations with the graph, with and without a provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from agent.models.chat import Models
from agent.models.offline import offline_model
from tests.support.shop.chatting import Chat, Script, Scripted, quiet


@pytest.fixture
def scripted() -> Callable[..., tuple[Chat, Scripted]]:
    """A chat over a scripted model, with the offline one behind it."""

    def make(script: Script = quiet, **context: Any) -> tuple[Chat, Scripted]:
        model = Scripted(script=script, asked=[])
        models = Models(offline_model(), default="scripted", attempts=2)
        models.put("scripted", model)
        return Chat(models, **context), model

    return make


@pytest.fixture
def offline() -> Chat:
    """A chat without any provider."""
    return Chat(Models(offline_model()))
