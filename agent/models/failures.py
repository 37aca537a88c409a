"""What an error of a model provider, or an answer that is none, means for the turn."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage

from agent.models.setup import NotSetUp, variables

# `retry`: the same call may succeed a moment later; `again`: asked anew it may, at once; `refused`: the
# server does not take something of the request; `next`: ask the next model; `key`: the key is refused;
# `account`: the quota or the money of the account is used up; `gone`: there is no such model (any more);
# `address`: whoever answers speaks another wire; `region`: not from this country; `setup`: a package or a key
# is missing here. `ways` and `offline` are no faults of a call: a model that takes less than others, and
# turns in a row without any model.
Kind = Literal[
    "retry",
    "again",
    "refused",
    "next",
    "key",
    "account",
    "gone",
    "address",
    "region",
    "setup",
    "ways",
    "offline",
]
# What nobody but a person mends.
LASTING = ("key", "account", "gone", "address", "region", "setup")

_KEYS = {"openai": "OPENAI_API_KEY", "google_genai": "GEMINI_API_KEY"}
_MODELS = {"openai": "CHAT_MODEL or OPENAI_MODEL", "google_genai": "CHAT_MODEL or GEMINI_MODEL"}
_ADDRESSES = {"openai": "OPENAI_BASE_URL", "google_genai": "GEMINI_BASE_URL"}


def key_setting(provider: str) -> str:
    """The setting that holds a provider's key."""
    return _KEYS.get(provider) or variables(provider)[0]


def address_setting(provider: str) -> str:
    """The setting that holds a provider's address."""
    return _ADDRESSES.get(provider) or variables(provider)[1]


_GONE = re.compile(
    r"no longer available|does not exist|not found|not_found|no such model|unknown model"
    r"|decommissioned|deprecated|retired|model_not_found"
    r"|model not exist|non-serverless|model_not_available|not a chat model|no models? (?:is )?loaded"
    r"|unable to access model|(?:not|n't) have access to (?:the )?model"
    r"|must be verified|data policy|not available|unavailable model|invalid model|no allowed providers"
    r"|not a valid model|is not supported for generatecontent",
    re.I,
)
_NO_WIRE = re.compile(
    r"<(?:!doctype|html|head|body)\b|unexpected response type|expecting value: line 1|missing 'choices'"
    r"|404 page not found|cannot post|method not allowed",
    re.I,
)
_REGION = re.compile(
    r"unsupported_country|country, region|location is not supported|not available in your (?:country|region)",
    re.I,
)
_AGAIN = re.compile(
    r"tool_use_failed|failed to call a function|malformed_function_call|failed_generation", re.I
)
_HELD_BACK = re.compile(
    r"content.?filter|content management policy|content.?policy|responsible.?ai|data_inspection_failed"
    r"|flagged (?:as|by|for)|sensitive (?:content|information)",
    re.I,
)
_TOOLS = re.compile(r"\btools?\b|tool_choice|function call", re.I)
_UNPAID = re.compile(
    r"billing|credit balance|credit limit|budget has been exceeded|余额不足|free-models-per-day|hard limit"
    r"|payment required",
    re.I,
)
# HTTP statuses with which servers refuse a request for what is in it.
REFUSES = (400, 405, 415, 422, 500, 501)

# OpenAI "Chat completions: finish_reason" and Gemini "FinishReason": how an answer ends that is not the
# model's answer.
_CUT = {"length", "max_tokens"}
_BLOCKED = {
    "content_filter",
    "safety",
    "recitation",
    "blocklist",
    "prohibited_content",
    "spii",
    "model_armor",
    "image_safety",
    "malformed_function_call",
    "unexpected_tool_call",
    "language",
    "other",
}
_DELAY = re.compile(
    r"retryDelay\W+(\d+(?:\.\d+)?)s|(?:try again|retry) in (?:(\d+)m)?(\d+(?:\.\d+)?)(ms|s)", re.I
)
_RESET = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s))?")


class NoAnswer(ValueError):
    """A server said that all is well, and answered nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed call: what to do, and for how many seconds the provider wants to be left alone (None: it did
    not say)."""

    kind: Kind
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A provider that cannot be used until somebody does something."""

    provider: str
    kind: Kind
    detail: str
    model: str = ""

    @property
    def setting(self) -> str:
        """The setting to look at."""
        if self.kind in ("gone", "ways", "offline", "setup"):
            return _MODELS.get(self.provider, "CHAT_MODEL")
        return address_setting(self.provider) if self.kind == "address" else key_setting(self.provider)

    @property
    def advice(self) -> str:
        """One sentence for an operator."""
        if self.kind == "key":
            return (
                f"{self.setting} is refused by the provider: check it and restart. Until then the next "
                f"model answers."
            )
        until = "Until then the next model answers."
        return {
            "account": f"The account of {self.setting} has used up its quota: top it up. {until}",
            "gone": f"There is no model {self.model} for this key ({self.detail[:120]}): name another "
            f"in {self.setting}. {until}",
            "address": f"{self.setting}: whoever answers there does not speak this provider's wire "
            f"({self.detail[:80]}); did you mean "
            f"an address that ends in /v1? {until}",
            "region": f"{self.model} is not offered where this server stands ({self.detail[:120]}): "
            f"choose another provider. {until}",
            "setup": f"{self.detail}. {until}",
            "ways": f"The server of {self.model} takes no {self.detail}: the agent answers without "
            f"looking things up in the price "
            f"list; start it with tools enabled, or name another model in {self.setting}.",
            "offline": f"{self.detail} came from the offline model, none from {self.model}: ask "
            f"`salesgraph doctor` what is wrong.",
        }.get(self.kind, self.detail)


def is_held_back(text: str) -> bool:
    """Whether an error says that a filter held back the question or the answer."""
    return bool(_HELD_BACK.search(text))


def judge_failure(error: BaseException) -> Fault:
    """What to do about an error, by its HTTP status and what its text says."""
    if isinstance(error, NoAnswer):
        return Fault("again")
    if isinstance(error, NotSetUp):
        return Fault("setup")
    text, status = said(error), http_status_of(error)
    if kind := _not_admitted(text, status):
        return Fault(kind)
    if _AGAIN.search(text) or (status == 400 and is_held_back(text)):
        return Fault("again")
    if _is_unpaid(text, status):
        return Fault("account")
    if isinstance(error, TimeoutError) or (status is None and "timed out" in text.casefold()):
        return Fault("next")  # the time of this turn is spent
    if kind := _not_served(text, status):
        return Fault(kind)
    broken = isinstance(error, ConnectionError) or "connection error" in text.casefold()
    busy = status is not None and (status == 429 or status >= 500)
    if getattr(error, "is_retryable", None) is False or not (broken or busy):
        return Fault("next")
    return Fault("retry", _asked_for(error, text))


def _not_admitted(text: str, status: int | None) -> Kind | None:
    """Whether a server refuses whoever asks, from wherever: the wire, the country, the model or the key."""
    low = text.casefold()
    if "v1/responses" in low and status in (400, 404):
        return "refused"
    if _REGION.search(text):
        return "region"
    if status == 403 and _NO_WIRE.search(text):
        return "address"  # a wall in front, such as Cloudflare's
    if status == 403 and "key" not in low:
        if _GONE.search(text):
            return "gone" if "model" in low else "refused"
        if _TOOLS.search(text):
            return "refused"
    wrong_key = any(words in low for words in ("api_key_invalid", "api key not valid", "incorrect api key"))
    return "key" if status in (401, 403) or wrong_key else None


def _is_unpaid(text: str, status: int | None) -> bool:
    """Whether the quota or the money of the account is used up; a quota with a delay comes back by itself."""
    low = text.casefold()
    if status == 402 or _UNPAID.search(text):
        return True
    if any(words in low for words in ("insufficient_quota", "insufficient balance", "perday")):
        return True
    return "exceeded your current quota" in low and "retrydelay" not in low


def _not_served(text: str, status: int | None) -> Kind | None:
    """Whether a server has no such address or model, or refuses the request for what is in it."""
    low = text.casefold()
    if status is not None and 300 <= status < 400:
        return "address"  # it has moved, or wants https
    if status == 404 and _TOOLS.search(text):
        return "refused"
    if (_NO_WIRE.search(text) and status in (None, 200, 404, 405)) or (
        status == 404 and not _GONE.search(text)
    ):
        return "address"
    if status == 404 or (status in (400, 410) and "model" in low and _GONE.search(text)):
        return "gone"
    if status in REFUSES and not (status >= 500 and "overloaded" in low) and not _is_too_long(low):
        return "retry" if status == 500 and not _NAMED.search(text) else "refused"
    return None


# What a server says that cannot be asked so.
_NAMED = re.compile(r"tool|function|role|template|jinja|image|system|alternat", re.I)


def _is_too_long(text: str) -> bool:
    return (
        "context length" in text
        or "context_length" in text
        or "too many tokens" in text
        or "maximum context" in text
    )


def said(error: BaseException) -> str:
    """Everything an error says: of many servers the words stand in its body alone, as `error` or `detail`."""
    text, body = str(error), getattr(error, "body", None)
    if not body:
        return text
    words = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    return text if words in text or str(body) in text else f"{text} {words[:2000]}"


def http_status_of(error: BaseException) -> int | None:
    """The HTTP status, wherever the library keeps it; an error that wraps another has that one's."""
    for one in (error, error.__cause__, error.__context__):
        for name in ("status_code", "code"):
            if isinstance(value := getattr(one, name, None), int) and 100 <= value < 600:
                return value
    match = re.match(r"\W*(\d{3})\b", str(error)) or re.search(r"\bcode\W{1,4}(\d{3})\b", str(error))
    return int(match.group(1)) if match and 400 <= int(match.group(1)) < 600 else None


def _asked_for(error: BaseException, text: str) -> float | None:
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        pass
    if match := _DELAY.search(text):
        if match.group(1):
            return float(match.group(1))
        return 60 * int(match.group(2) or 0) + float(match.group(3)) / (1000 if match.group(4) == "ms" else 1)
    used_up = [what for what in ("requests", "tokens") if headers.get(f"x-ratelimit-remaining-{what}") == "0"]
    resets = [_seconds(headers.get(f"x-ratelimit-reset-{what}", "")) for what in used_up]
    return max(resets) if resets else None


def _seconds(text: str) -> float:
    """`6m0s`, `20ms`, `1h2m3s`."""
    match = _RESET.fullmatch(text)
    if not match:
        return 0
    hours, minutes, rest, unit = match.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + float(rest or 0) / (1000 if unit == "ms" else 1)


def unusable(answer: AIMessage) -> str:
    """Why an answer is none (cut, blocked, refused, empty), or an empty text."""
    metadata: dict[str, Any] = answer.response_metadata or {}
    ended = str(metadata.get("finish_reason") or "").casefold().rpartition(".")[2]
    if ended in _CUT:
        return "cut"
    if ended in _BLOCKED:
        return f"blocked: {ended}"
    details: dict[str, Any] = metadata.get("incomplete_details") or {}
    incomplete = details.get("reason", "")
    if incomplete:  # OpenAI, "Responses": incomplete_details
        return "cut" if incomplete == "max_output_tokens" else f"blocked: {incomplete}"
    # However the provider says it: a field beside the text, a part of it, or why the answer ended.
    if any(block["type"] == "refusal" for block in answer.content_blocks):
        return "refused"
    if not answer.tool_calls and not str(answer.text).strip():
        return "malformed" if answer.invalid_tool_calls else "empty"
    return ""


def brief(error: BaseException) -> str:
    """An error in one line without keys: OpenAI repeats the key it refuses."""
    return re.sub(r"\b(?:sk|AIza|xai|gsk)[\w*-]{6,}", "***", said(error).replace("\n", " "))[:200]
