"""Clients of chat models, by `provider:model`: OpenAI's wire and Gemini's, and every other provider that
LangChain knows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr, ValidationError

from agent.model_options import ModelOptions, is_name
from agent.models.setup import NotSetUp, variables

# Extras of this project, installed together by `make providers`; the packages of other providers by pip
# alone.
EXTRAS = ("anthropic", "mistralai", "groq", "ollama")
# Providers that call an option by another name than LangChain's usual one.
_RENAMED = {"ollama": {"reasoning_effort": "reasoning", "max_tokens": "num_predict"}}
# Gemini 2.5 takes a number of tokens where later models take a word ("OpenAI compatibility", Google:
# reasoning_effort).
_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576}
# Models that hand out their thoughts sealed, so that they can be given back without a state kept at OpenAI.
_REASONS = re.compile(r"^(?:o\d|codex|gpt-(?:[5-9]|\d\d)(?!.*chat))")

# Key and base address of a provider; None where they are not set.
Known = Callable[[str], tuple[str | None, str | None]]


def environment(provider: str, known: Mapping[str, str | None] = os.environ) -> tuple[str | None, str | None]:
    """A provider's key and address in the environment, or in what else is `known`."""
    key, url = variables(provider)
    return known.get(key) or None, known.get(url) or None


@dataclass(frozen=True, slots=True)
class ProviderAccess:
    """Keys, addresses and the time limit of model providers. `timeout` in seconds for one call; `http`
    carries OpenAI's wire when it is given; `others` knows the providers besides OpenAI and Gemini."""

    openai_key: str | None = None
    openai_url: str | None = None
    gemini_key: str | None = None
    gemini_url: str | None = None
    timeout: float = 30
    http: httpx.AsyncClient | None = None
    others: Known = environment


def make(name: str, access: ProviderAccess, options: ModelOptions, responses: bool = False) -> BaseChatModel:
    """A provider's client. Retries are ours, so that one policy holds for all of them; `responses`: the model
    is only there over OpenAI's Responses interface. Raises NotSetUp."""
    provider, _, model = name.partition(":")
    if not is_name(name):
        raise NotSetUp(
            f"unknown chat model {name!r}: use PROVIDER:NAME, such as openai:gpt-4.1-mini, or offline"
        )
    said = {
        part: value
        for part in ("temperature", "reasoning_effort", "max_tokens")
        if (value := getattr(options, part)) is not None
    }
    timeout = options.timeout or access.timeout
    if provider == "openai":
        return _openai(model, access, options, responses, {**said, "timeout": timeout})
    if provider == "google_genai":
        return _gemini(model, access, {**said, "timeout": timeout})
    return _other(provider, model, access, {**said, "timeout": timeout})


def _openai(
    model: str, access: ProviderAccess, options: ModelOptions, responses: bool, said: dict[str, Any]
) -> BaseChatModel:
    from agent.models.openai_wire import OpenAiWire

    if options.stored_prompt:
        version = {"version": options.stored_prompt_version} if options.stored_prompt_version else {}
        said["model_kwargs"] = {"prompt": {"id": options.stored_prompt, **version}}
    if responses := responses or options.api == "responses" or bool(options.stored_prompt):
        # the conversation is kept here: nothing is stored there, and sealed thoughts come back with the next
        # call
        said |= {"store": False, "output_version": "responses/v1"}
        said |= {"include": ["reasoning.encrypted_content"]} if _REASONS.match(model) else {}
    return OpenAiWire(
        model=model,
        api_key=SecretStr(access.openai_key or "none"),
        base_url=access.openai_url,
        max_retries=0,
        use_responses_api=responses,
        http_async_client=access.http,
        **said,
    )


def _gemini(model: str, access: ProviderAccess, said: dict[str, Any]) -> BaseChatModel:
    from langchain_google_genai import ChatGoogleGenerativeAI

    if (effort := said.pop("reasoning_effort", None)) and re.search(r"gemini-(?:1|2)\b", model):
        said["thinking_budget"] = _BUDGETS[effort]
    elif effort:
        said["reasoning_effort"] = {"none": "minimal", "xhigh": "high"}.get(effort, effort)
    if access.gemini_url:
        said["base_url"] = access.gemini_url
    return ChatGoogleGenerativeAI(model=model, google_api_key=access.gemini_key, max_retries=1, **said)


def _other(provider: str, model: str, access: ProviderAccess, said: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    renamed = _RENAMED.get(provider, {})
    said = {renamed.get(part, part): value for part, value in said.items()}
    if provider == "ollama" and said.get("reasoning") in ("none", "minimal", "xhigh"):
        said["reasoning"] = {"none": False, "minimal": "low", "xhigh": "high"}[said["reasoning"]]
    if provider == "ollama":  # it hands the limit of time to its client
        said["client_kwargs"] = {"timeout": said.pop("timeout")}
    key, url = access.others(provider)
    said |= {"api_key": key} if key else {}
    said |= {"base_url": url} if url else {}
    try:
        return cast(BaseChatModel, init_chat_model(model, model_provider=provider, max_retries=0, **said))
    except ImportError as error:
        package = next(
            iter(re.findall(r"langchain-[\w-]+", str(error))), f"langchain-{provider.replace('_', '-')}"
        )
        command = "make providers" if provider in EXTRAS else f".venv/bin/python -m pip install {package}"
        raise NotSetUp(f"{provider}:{model} needs the package {package}: run {command}") from None
    except ValidationError as error:
        why = "; ".join(part["msg"].removeprefix("Value error, ") for part in error.errors())
        raise NotSetUp(f"{provider}:{model}: {why[:200]}; is {variables(provider)[0]} set?") from None
    except ValueError as error:
        if "model_provider" in str(error) or "nsupported" in str(error):
            raise NotSetUp(f"LangChain knows no provider {provider!r}; see docs/models.md") from None
        raise NotSetUp(f"{provider}:{model}: {str(error)[:200]}; is {variables(provider)[0]} set?") from None
    except Exception as error:  # whatever a provider's library does without its key
        said_so = f"{type(error).__name__}: {str(error)[:150]}"
        raise NotSetUp(
            f"{provider}:{model} cannot be used ({said_so}); is {variables(provider)[0]} set?"
        ) from None
