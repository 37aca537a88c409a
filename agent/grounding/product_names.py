"""Names of products in a text: model codes, quoted names, runs of capitalised words, Latin words in another
script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import regex as re

# It does not begin behind a hyphen of the word it belongs to, nor behind a line of hyphens: whatever follows
# was read before.
_MODEL = re.compile(
    r"(?<![\w@./])(?=[^\W_])(?<!\w-{1,3})(?<!-{4})(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[^\W_][\w-]*(?![\w@])"
)
_LATIN = re.compile(
    r"(?<![À-ɏ])[A-Z][A-Za-z'’&+-]+(?![À-ɏ])(?: (?:[A-Z][A-Za-z0-9'’&+-]*|\d{1,4}(?:[.,]\d(?!\d))?(?![\d%])[A-Za-z'’&+-]*))*"
)
_RUN = re.compile(
    r"(?<![\w@.])[A-ZÀ-ÝА-ЯЁӘҒҚҢӨҰҮҺІ][\w’'+-]+(?: (?:[A-ZÀ-ÝА-ЯЁӘҒҚҢӨҰҮҺІ][\w’'+-]*|\d{1,4}(?:[.,]\d(?!\d))?(?![\w%])))*"
)
_ARTICLES = re.compile(
    r"\b(?:our|the new|the|nuov[oa]|il nostro|la nostra|nuestr[oa]|el nuevo|la nueva|nosso|nossa|notre) $",
    re.I,
)
_OTHER_SCRIPT = re.compile(r"[\u0400-\u04ff\u0900-\u097f\u0600-\u06ff]")
_UNIT_CODE = re.compile(
    r"\d+-\p{L}{1,4}|\d+-[\p{Cyrillic}&&\p{Ll}]+|\d+(?:[.,]\d+)?[^\W\d_]{1,4}|\d+(?:st|nd|rd|th|го|шы|ші|й|я|x|х|º)|[xх]\d+|24h|\d+/\d+",
    re.I,
)

# Capitalised, and no product of anybody's shop.
COMMON = frozenset(
    "whatsapp telegram instagram facebook google maps pdf visa mastercard kaspi iban pin sms qr id ok vip faq b2b online offline wifi wi-fi usb spin "
    "i i'm i'll i've i'd english italian spanish russian kazakh hindi german french mr mrs ms dr sr sra dott signora signor "
    "paypal upi gpay phonepe apple google-pay dhl ups fedex gls poste brt emi gst iva vat inn iin bin "
    "hi hello sorry thanks thank yes no please great sure hinglish covid cod nif dni cif rut ruc soat itv lunes dear sir madam herr frau herrn señor señora senhor senhora monsieur madame".split()
)  # fmt: skip
# What German writes with a capital to be polite.
_POLITE = frozenset("sie ihnen ihr ihre ihrem ihren ihrer ihres".split())

LONGEST_WORD = 200

_CYRILLIC = str.maketrans(
    {"а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh", "з": "z", "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ы": "y", "э": "e", "ю": "yu", "я": "ya", "ь": "", "ъ": "", "і": "i", "қ": "k", "ғ": "g", "ң": "n", "ө": "o", "ұ": "u", "ү": "u", "һ": "h", "ә": "a"}
)  # fmt: skip


def named(text: str, every: bool = False) -> Iterator[tuple[int, str]]:
    """(place, name) of everything in a text that looks like the name of a product. A word that opens a
    sentence is capitalised anyway, and one alone says nothing; in German every noun is. `every`: two words
    that open a sentence are a name all the same, as in a price list."""
    foreign = len(_OTHER_SCRIPT.findall(text)) > len(re.findall(r"[A-Za-z]", text))
    seen: set[int] = set()
    for m in _MODEL.finditer(text):
        if not _UNIT_CODE.fullmatch(m.group()) and m.start() not in seen:
            seen.update(range(m.start(), m.end()))
            yield m.start(), m.group()
    for m in (_LATIN if foreign else _RUN).finditer(text):
        words, at = m.group().split(), m.start()
        left = 0  # words that are no part of the name
        while left < len(words) and (
            words[left].casefold() in COMMON
            or (not foreign and _opens(text, at) and not (every and len(words) - left > 1))
        ):
            at += len(words[left]) + 1
            left += 1
        words = words[left:]
        while words and words[-1].casefold() in _POLITE:
            words.pop()
        name = " ".join(words).rstrip("-'’")
        alone = len(words) == 1 and not foreign and not _presented(text, at, len(name))
        short = len(name) < 3 or (len(words) == 1 and name.isupper() and len(name) <= 3)
        if (
            not alone
            and not short
            and not set(range(at, at + len(name))) <= seen
            and any(c.isalpha() for c in name)
        ):
            yield at, name


def _presented(text: str, at: int, length: int) -> bool:
    """Whether a word is set off as a name: in bold, in quotes, or with an article of a thing."""
    marked = text[at - 1 : at] in '*"“«_' and text[at + length : at + length + 1] in '*"”»_'
    return marked or bool(_ARTICLES.search(text, max(0, at - 40), at))


def _opens(text: str, at: int) -> bool:
    while at and text[at - 1] in " *_\"'“«(¡¿\ufe0f":
        at -= 1
    return (
        at == 0
        or text[at - 1] in ".!?…:\n\u0001—–-•।"
        or unicodedata.category(text[at - 1]) in ("So", "Sk", "Cn", "Cf")
    )


_NAGARI = {
    **dict(zip("अआइईउऊएऐओऔऋ", ("a", "a", "i", "i", "u", "u", "e", "ai", "o", "au", "ri"), strict=True)),
    **dict(zip("ािीुूेैोौृॉॅ", ("a", "i", "i", "u", "u", "e", "ai", "o", "au", "ri", "o", "e"), strict=True)),
    **dict(zip("कखगघङचछजझञटठडढणतथदधनपफबभमयरलळवशषसह", ("k", "kh", "g", "gh", "n", "ch", "chh", "j", "jh", "n", "t", "th", "d", "dh", "n", "t", "th", "d", "dh", "n", "p", "ph", "b", "bh", "m", "y", "r", "l", "l", "v", "sh", "sh", "s", "h"), strict=True)),
    **{"ं": "n", "ँ": "n", "ः": "h", "़": "", "्": ""},
}  # fmt: skip


def _from_nagari(word: str) -> str:
    """A word in Latin letters as it is usually written; the unwritten `a` between consonants is left out."""
    return "".join(_NAGARI.get(c, c) for c in word)


@lru_cache(maxsize=8192)
def latin(word: str) -> str:
    """A word in Latin letters without marks, roughly as it sounds, so that `Аврора` meets `Aurora`; of a word
    longer than any the beginning."""
    folded = word[:LONGEST_WORD].casefold().translate(_CYRILLIC)
    bare = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return re.sub(
        r"(.)\1",
        r"\1",
        bare.replace("w", "v")
        .replace("c", "k")
        .replace("q", "k")
        .replace("y", "i")
        .replace("ph", "f")
        .replace("x", "ks"),
    )
