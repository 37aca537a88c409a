"""What an error of a model provider, or an answer that is none, means for the turn."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core.messages import AIMessage

# `retry`: the same call may succeed a moment later; `next`: ask the next model; `key`: the key is refused; `account`: the
# quota or the money of the account is used up.
Kind = Literal["retry", "next", "key", "account"]

SETTINGS = {"openai": "OPENAI_API_KEY", "google_genai": "GEMINI_API_KEY"}

# OpenAI "Chat completions: finish_reason" and Gemini "FinishReason": how an answer ends that is not the model's answer.
_CUT = {"length", "max_tokens"}
_BLOCKED = {
    "content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii", "model_armor", "image_safety",
    "malformed_function_call", "unexpected_tool_call", "language", "other",
}  # fmt: skip
_DELAY = re.compile(r"retryDelay\W+(\d+(?:\.\d+)?)s|(?:try again|retry) in (?:(\d+)m)?(\d+(?:\.\d+)?)(ms|s)", re.I)
_RESET = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed call: what to do, and for how many seconds the provider wants to be left alone (None: it did not say)."""

    kind: Kind
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """A provider that cannot be used until somebody does something."""

    provider: str
    kind: Kind
    detail: str

    @property
    def setting(self) -> str:
        """The setting to look at."""
        return SETTINGS.get(self.provider, "CHAT_MODEL")

    @property
    def advice(self) -> str:
        """One sentence for an operator."""
        if self.kind == "key":
            return (
                f"{self.setting} is refused by the provider: check it and restart. Until then the next model answers."
            )
        return f"The account of {self.setting} has used up its quota: top it up. Until then the next model answers."


def judge(error: BaseException, provider: str = "") -> Fault:
    """What to do about an error, by its HTTP status and what its text says."""
    text, status = str(error), _status(error)
    low = text.casefold()
    if status in (401, 403) or "api_key_invalid" in low or "api key not valid" in low or "incorrect api key" in low:
        return Fault("key")
    if (
        "insufficient_quota" in low
        or ("exceeded your current quota" in low and "retrydelay" not in low)
        or "perday" in low
    ):
        return Fault("account")
    if isinstance(error, TimeoutError) or ("timed out" in low and status is None):
        return Fault("next")  # the time of this turn is spent
    verdict = getattr(error, "is_retryable", None)
    again = (
        isinstance(error, ConnectionError)
        or "connection error" in low
        or (status is not None and (status == 429 or status >= 500))
    )
    if verdict is False or not again:
        return Fault("next")
    return Fault("retry", _asked_for(error, text))


def _status(error: BaseException) -> int | None:
    """The HTTP status, wherever the library keeps it; an error that wraps another has that one's."""
    for one in (error, error.__cause__, error.__context__):
        for name in ("status_code", "code"):
            if isinstance(value := getattr(one, name, None), int) and 100 <= value < 600:
                return value
    match = re.match(r"\W*(\d{3})\b", str(error)) or re.search(r"\bcode\W{1,4}(\d{3})\b", str(error))
    return int(match.group(1)) if match and 400 <= int(match.group(1)) < 600 else None


def _asked_for(error: BaseException, text: str) -> float | None:
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        pass
    if match := _DELAY.search(text):
        if match.group(1):
            return float(match.group(1))
        return 60 * int(match.group(2) or 0) + float(match.group(3)) / (1000 if match.group(4) == "ms" else 1)
    resets = [_seconds(headers.get(f"x-ratelimit-reset-{what}", "")) for what in ("requests", "tokens") if headers.get(f"x-ratelimit-remaining-{what}") == "0"]  # fmt: skip
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
    if answer.additional_kwargs.get("refusal"):
        return "refused"
    if not answer.tool_calls and not str(answer.text).strip():
        return "malformed" if answer.invalid_tool_calls else "empty"
    return ""


def brief(error: BaseException) -> str:
    """An error in one line without keys: OpenAI repeats the key it refuses."""
    return re.sub(r"\b(?:sk|AIza)[\w*-]{6,}", "***", str(error).replace("\n", " "))[:200]
