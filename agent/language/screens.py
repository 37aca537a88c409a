"""What can be told from a text without a model: opt-out, a wish for a person, danger, attempts on the
rules."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache

import regex

from agent.language.injection import is_injection, is_suspicious
from agent.language.locale import anywhere, locale_phrases, phrases_within
from agent.state import without_notes

__all__ = [
    "asks_for_person",
    "asks_who",
    "is_emergency",
    "is_goodbye",
    "is_greeting",
    "is_injection",
    "is_media_only",
    "is_pleasantry",
    "is_small_talk",
    "is_start",
    "is_stop",
    "is_suspicious",
    "is_thanks",
    "says_stop",
]

# Characters of a message that a screen looks at; a model sees the rest.
LOOKED_AT = 3_000


def _whole(key: str) -> frozenset[str]:
    return frozenset(phrase.casefold() for phrase in locale_phrases(key))


# Whole messages only: "stop by tomorrow" and "do not send the red one" are no opt-outs.
_STOP = _whole("screens.stop")
# The same said in a sentence of one's own, still as the whole message.
_STOP_SENTENCE = re.compile(
    rf"(?:(?:{phrases_within('screens.please')}) )*(?:{phrases_within('screens.stop_sentence')})"
    rf"(?: (?:{phrases_within('screens.stop_ending')}))*"
)
_START = _whole("screens.start")
_GREETING = _whole("screens.greeting")
_SMALL_TALK = _whole("screens.small_talk")
_THANKS = _whole("screens.thanks")
_GOODBYE = _whole("screens.goodbye")
_GRATEFUL = _whole("screens.grateful")
# What stands around a word of thanks without asking for anything.
_WARM = _GRATEFUL | _whole("screens.warm")

# A wish and whom it is for, at most three words apart: "I am a manager" is not a wish for one.
_WISH, _WHOM = phrases_within("screens.wish"), phrases_within("screens.whom")
_PERSON = re.compile(
    rf"\b(?:{_WISH})\b(?:\W+\w+){{0,3}}?\W+(?:{_WHOM})\b(?!['’]s)"
    rf"|\b(?!{phrases_within('screens.whom_vague')})(?:{_WHOM})\W+(?:\w+\W+){{0,2}}?(?:{_WISH})\b"
    rf"|{anywhere('screens.real_person')}",
    re.I,
)
_LONE_PERSON = _whole("screens.lone_person")
_WHO = re.compile(anywhere("screens.who_are_you"), re.I)
_EMERGENCY = re.compile(anywhere("screens.emergency"), re.I)


# The vowel signs of Hindi are marks, not letters.
_SIGNS = regex.compile(r"[^\w\p{M}\s/']+")


@lru_cache(maxsize=256)
def _bare(text: str) -> str:
    return " ".join(_SIGNS.sub(" ", text.replace("’", "'").casefold()).split())


def _flat(text: str) -> str:
    """What a pattern may look at: bounded, and no runs of spaces to try every way round."""
    return " ".join(text[:8_000].split())[:LOOKED_AT]


_WAIT = re.compile(
    rf"\W*(?:(?:{phrases_within('screens.please')}) )?(?:{phrases_within('screens.wait')})(?:\W|\Z)", re.I
)


def says_stop(texts: Sequence[str]) -> bool:
    """Whether messages that came together tell us to write no more. "Stop", then "wait, how much is it?", do
    not."""
    pairs = itertools.zip_longest(texts, texts[1:], fillvalue="")
    return any(is_stop(text) and not _WAIT.match(after) for text, after in pairs)


def is_stop(text: str) -> bool:
    """A request to get no more messages."""
    bare = _bare(without_notes(text)[:200])
    return bare in _STOP or bool(_STOP_SENTENCE.fullmatch(bare))


def is_start(text: str) -> bool:
    """Takes an opt-out back."""
    return _bare(without_notes(text)) in _START


def is_greeting(text: str) -> bool:
    """Nothing but a greeting."""
    return _bare(text) in _GREETING or text.strip() == "👋"


def is_thanks(text: str) -> bool:
    """Nothing but thanks, however warm: `many thanks!`, `большое спасибо`."""
    bare = _bare(text)
    if bare in _THANKS:
        return True
    said = bare.split()[:8]
    return len(bare) < 60 and any(word in _GRATEFUL for word in said) and all(word in _WARM for word in said)


def is_small_talk(text: str) -> bool:
    """Nothing that a document could answer: an acknowledgement, a polite question, a lone emoji."""
    return _bare(text) in _SMALL_TALK or not re.search(r"[^\W_]", text)


def is_goodbye(text: str) -> bool:
    """Nothing but a goodbye."""
    return _bare(text) in _GOODBYE


# first word -> the phrases that begin with it, the longest first
_PLEASANT: dict[str, list[list[str]]] = {}
for _phrase in sorted(
    (p.split() for p in _GREETING | _SMALL_TALK | _THANKS | _GOODBYE), key=len, reverse=True
):
    _PLEASANT.setdefault(_phrase[0], []).append(_phrase)
_MARK = re.compile(
    r"\[(?:image|video|audio|document|sticker|location|contacts|empty message)[^\]\n]{0,300}\]", re.I
)  # how a message without words looks to the graph


def is_pleasantry(text: str) -> bool:
    """Nothing but greetings, thanks and acknowledgements, however many: `ok, thanks!`."""
    said = _bare(text[:200]).split()
    while said:
        known = next((p for p in _PLEASANT.get(said[0], ()) if said[: len(p)] == p), None)
        if known is None:
            return False
        said = said[len(known) :]
    return len(text) <= 200


def is_media_only(text: str) -> bool:
    """Files, stickers or places without a word."""
    return bool(_MARK.search(text)) and not re.search(r"[^\W\d_]", _MARK.sub("", text))


@lru_cache(maxsize=256)
def asks_for_person(text: str) -> bool:
    """Wants a human being; who only asks whether one writes does not."""
    return _bare(without_notes(text)) in _LONE_PERSON or bool(_PERSON.search(_WHO.sub(" ", _flat(text))))


@lru_cache(maxsize=256)
def asks_who(text: str) -> bool:
    """Asks whether a person or a program writes."""
    return bool(_WHO.search(_flat(without_notes(text))))


@lru_cache(maxsize=256)
def is_emergency(text: str) -> bool:
    """Speaks of danger to life."""
    return bool(_EMERGENCY.search(_flat(text)))
