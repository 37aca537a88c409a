"""Attempts on the rules, told from the text alone: orders to drop them, to show them, to be somebody else,
and disguises.

Several weak signs together count as much as a strong one: "jailbreak" alone is a question about a phone. What
is below the limit but not nothing is for the moderator's model to judge. The recall and false alarms on other
people's attacks stand in `benchmarks/README.md` (`make eval`).

Every pattern takes time in proportion to the text, whatever the text (`tests/agent/test_linear.py`): what may
begin inside a word has endings of limited length, and a run of blanks or signs is passed once."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from functools import lru_cache

import regex

# Signs worth this much are an attempt; worth one, a suspicion.
ATTEMPT, SUSPICION = 3, 1
# Characters that are looked at; an attack hides at the end of a long text, too, so both ends are.
LOOKED_AT = 3_000
_GAP = r"(?:\W+\w+){0,5}?\W+"

_RULES = (
    r"instructions?|rules?|prompts?|guidelines?|directives?|programming|training|restrictions|polic(?:y|ies)|inputs?|orders|commands|everything you (?:learned|know|were told)|"
    r"инструкци\w+|правил\w*|указани\w+|промпт\w*|настройк\w+|нұсқаулар\w*|ереже\w*|istruzioni|regole|direttive|instrucciones|reglas|directrices|instruções|regras|diretrizes|"
    r"anweisung\w*|richtlinie\w*|regeln|vorgaben|consignes|règles|directives|talimat\w*|kural\w*|निर्देश\w*|नियम\w*|التعليمات|القواعد|تعليمات"
)
_DROP = (
    r"ignor(?:e|ing|a|ad|ar|iere\w*|ez|er)|disregard\w*|forget|override|overrule|bypass|drop|do not (?:follow|listen to|obey)|don't (?:follow|obey)|stop following|forgotten(?: about)?|"
    r"игнорир\w+|проигнорир\w+|забуд\w+|отмени\w*|не следуй|обойди|елеме\w*|ұмыт\w*|dimentica\w*|scorda\w*|olvida\w*|esquece\w*|esqueça|desconsider\w+|vergiss|missachte\w*|"
    r"oubli\w+|unut\w*|yok say|görmezden gel|भूल|अनदेखा|नज़रअंदाज़|تجاهل|انس"
)
_OLD = (
    r"previous|prior|above|earlier|all|any|your|my|the|system|initial|original|preceding|following|safety|предыдущ\w+|прежни\w+|все|всё|свои|твои|ваши|алдыңғы|барлық|precedenti|tutte|tue|"
    r"anteriores|todas|tus|sus|suas|vorherigen|alle|deine|précédentes|toutes|vos|tes|önceki|tüm|पिछले|सभी|अपने|السابقة|كل|جميع"
)
_HIDDEN = (
    r"(?:system|initial|hidden|secret|original|internal|full|previous|entire|operating|developer) (?:prompts?|instructions?|messages?|rules|guidelines)|your (?:\w+ )?(?:prompt|instructions|rules|guidelines|programming|initialization)|"
    r"initialization string|instructions you were given|text above|words above|above this conversation|"
    r"системн\w+ (?:промпт\w*|инструкци\w+|сообщени\w+)|(?:твои|свои|ваши|свой|твой|ваш) (?:\w+ )?(?:инструкци\w+|промпт|правила|указания)|жүйелік нұсқау\w*|"
    r"prompt di sistema|(?:tue|sue) istruzioni|istruzioni di sistema|prompt del sistema|instrucciones (?:del sistema|iniciales|ocultas)|tus (?:\w+ )?(?:instrucciones|reglas)|prompt do sistema|suas instruções|"
    r"system-?prompt|deine (?:\w+ )?(?:anweisungen|regeln|instruktionen)|prompt système|(?:tes|vos) (?:instructions|consignes|règles)|sistem (?:istemi|talimat\w*)|सिस्टम प्रॉम्प्ट|अपने निर्देश|تعليمات النظام"
)
_SHOW = (
    r"reveal\w*|show|print|output|repeat|display|list|tell me|give me|write out|translate|what (?:are|is|was|were)|dump|recite|disclose|leak|share|quote|summarize|add|"
    r"покажи\w*|раскрой\w*|выведи\w*|повтори\w*|назови|напиши|скажи\w*|какие|какой|көрсет\w*|rivela\w*|mostra\w*|ripeti|stampa|dimmi|quali sono|muestra\w*|muéstra\w*|revela\w*|repite|dime|cuáles son|"
    r"mostre|revele|repita|diga|zeig\w*|nenn\w*|verrate|gib|wiederhole|révél\w+|montre\w*|affiche\w*|répète\w*|göster|açıkla|tekrarla|दिखा\w*|बता\w*|दोहरा\w*|اعرض|أظهر|اكشف|كرر"
)


def _limited(words: str) -> str:
    """The same with endings of limited length, for a pattern that may begin inside a word: with stems glued
    to each other, every one of them would read to the end of the text."""
    return words.replace(r"\w+", r"\w{1,20}").replace(r"\w*", r"\w{0,20}")


_STRONG = [
    re.compile(rf"\b(?:{_DROP})\b{_GAP}(?:(?:{_OLD})\b{_GAP})(?:{_RULES})\b", re.I),
    re.compile(rf"\b(?:{_DROP})\W+(?:(?:{_OLD})\W+){{0,4}}(?:{_RULES})(?!\w)", re.I),
    re.compile(rf"(?:{_limited(_RULES)})(?:\W+\w+){{0,2}}\W+(?:भूल|अनदेखा|नज़रअंदाज़|ұмыт|елеме|unut|yok say|görmezden)", re.I),
    re.compile(rf"\b(?:{_SHOW})\b(?:\W+\w+){{0,6}}?\W+(?:{_HIDDEN})(?!\w)", re.I),
    re.compile(rf"(?:{_limited(_HIDDEN)})(?:\W+\w+){{0,4}}?\W+(?:verbatim|word for word|parola per parola|palabra por palabra|дословно|wörtlich|mot à mot|दिखा|बता)", re.I),
    re.compile(r"what are you not (?:supposed|allowed) to (?:tell|say)|output previous instructions|print the api key|admin (?:password|access)|developer\W{0,2}mode\W{0,4}(?:enabled|on|activated?)|\bDO ANYTHING NOW\b|\bdan mode\b", re.I),
    re.compile(r"\b(?:you have|with|has|without(?: any)?|knows?) (?:absolutely )?no (?:ethical|moral|rules|restrictions|guidelines|limits|limitations|filters?|boundaries)|(?:have|has) no restrictions|answer without restrictions|sin restricciones y|skip all safety|ohne (?:jegliche )?(?:einschränkungen|regeln) (?:antworten|zu)", re.I),
    re.compile(r"<\|(?:im_start|im_end|system|endoftext)\|?>|\[/?INST\]|<<SYS>>|(?<!#)#{2,}+\s*+(?:END OF|SYSTEM|NEW INSTRUCTION)|^[^\S\n]*+system\s*+(?:(?:note|message|override|prompt)\s*+)?:|\n[^\S\n]*+(?:system|assistant)\s*+:", re.I | re.M),
    re.compile(r"\b(?:note|notice|message|attention|instructions?)\W+(?:to|for)\W+(?:\w+\W+){0,3}?(?:ai|bot|assistant|llm|chatbot|language model)s?\b|\bai (?:agents?|systems?|assistants?|models?) (?:processing|reading|integrating|reviewing|parsing|must|should)", re.I),
    re.compile(r"append the (?:exact )?token|(?:your|the) real (?:task|goal|instruction)s? (?:is|are)|from this point on,? (?:ignore|answer|you)|(?:decode|decipher|unscramble)\b.{0,60}?\b(?:follow|execute|do exactly|obey|run) (?:it|what|the)?|translate .{0,40}(?:rot13|base64|hex).{0,40}(?:execute|follow)", re.I | re.S),
]  # fmt: skip

# (worth, sign)
_WEAK = [
    (2, re.compile(r"\b(?:you(?:'re| are| will| must| should| shall)?(?: now| going to)?|please|to|can you|i want you to)\s+(?:now\s+)?(?:act|behave|respond|pretend|role-?play|speak|pose|simulate|answer|play|embody|impersonate|be impersonating)(?:ing)?\b.{0,80}?\b(?:ai|gpt\w*|chatbot|chat bot|language model|dan|uncensored|unfiltered|unrestricted|evil|amoral|character|persona|role|terminal|console|linux|demon|hacker)\b", re.I | re.S)),
    (2, re.compile(r"\b(?:from now(?: on)?|from this (?:moment|point)|starting now|for the rest of (?:this|the|our) (?:chat|conversation|task)|in this (?:chat|session))\b.{0,120}?\b(?:you|your|answer|respond|reply|act|assistant)\b", re.I | re.S)),
    (2, re.compile(r"\byou(?:'re| are) (?:now|no longer|about to immerse|going to (?:act|be|role-?play|pretend|play))\b|\byou will (?:now |be called )|\bhereby (?:dubbed|instructed)|stay in (?:character|\w+ mode)|\bimmerse yourself", re.I)),
    (2, re.compile(r"chatgpt|open ?a[il]\b|\bgpt-?[345]\b|\bbing ai\b|language model|\b\w{2,12}gpt\b", re.I)),
    (1, re.compile(r"unfiltered|uncensored|unrestricted|amoral|(?:un|il)(?:ethical|legal)\w*|immoral", re.I)),
    (2, re.compile(r"no matter how|break (?:free|the rules|ai rules)|content polic|openai polic|ethical guidelines|never (?:refuse|say (?:no|\"?i can))|without (?:any )?(?:warnings?|disclaimers?|restrictions?|filters?|judg)|no warnings|comply with every", re.I)),
    (1, re.compile(r"\bjailbreak\w*|\bdan\b|do anything now|\bpersona\b|\bprompts?\b|hypothetical|in character|alter ego|two (?:different |separate )?(?:ways|styles|personas|personalities|characters)|password|credentials?|\bapi keys?\b|secret word", re.I)),
    (1, re.compile(r"\b(?:ignore|disregard|forget|override|pretend|simulate|roleplay|role-play|act as|verbatim|decode|reveal|exfiltrat\w*)\b|игнорируй|притворись|веди себя как|представь,? что ты|fingi|comportati come|actúa como|finge|tu es maintenant|tu sei ora|du bist jetzt|ты теперь|сен енді|तुम अब|أنت الآن", re.I)),
    (1, re.compile(r"\[\w{2,20}\]\s*:|\{\{?\w++(?:[. ]\w*+)?\}?\}|[=:]\s*\{|\\n/n|```")),
    (1, re.compile(r"\b(?:send|forward|email|post) (?:\w+ ){0,6}?(?:to )?\S+@\S+|send_email|attacker|\bevil\b|the user", re.I)),
]  # fmt: skip
_ORDERS = re.compile(
    r"\byou (?:will|must|are|should|can|cannot|have|may|do|never|always)\b|\bnever\b|\balways\b", re.I
)


@lru_cache(maxsize=64)
def signs(text: str) -> int:
    """What the signs of an attempt in a text are worth, disguises taken off."""
    worth = max(_worth(reading) for reading in _readings(text))
    if (
        len(text) < 1_000 and _worth(text[::-1]) >= ATTEMPT
    ):  # one weak word means nothing there: `deliver` hides `evil`
        return ATTEMPT
    return worth


def is_injection(text: str) -> bool:
    """Tries to change the rules or to see them."""
    return signs(text) >= ATTEMPT


def is_suspicious(text: str) -> bool:
    """Not sure, but worth a model's look."""
    return signs(text) >= SUSPICION


def _worth(text: str) -> int:
    if any(pattern.search(text) for pattern in _STRONG):
        return ATTEMPT
    total = sum(worth for worth, pattern in _WEAK if pattern.search(text))
    if len(text) > 500:  # nobody who wants to buy something writes a page of what the other is to be
        total += min(3, len(_ORDERS.findall(text)) // 4)
    return total


def _readings(text: str) -> list[str]:
    """A text as it stands and as it is meant: invisible characters shown, encodings undone."""
    shown = "".join(chr(ord(c) - 0xE0000) if 0xE0020 <= ord(c) < 0xE007F else c for c in text)
    flat = _ends(_HEAPED_MARKS.sub(r"\1", _visible(shown)))
    flat = re.sub(r"[ \t]+", " ", _ends(_visible(unicodedata.normalize("NFKC", flat))))
    spaced = re.sub(r"\b(\w) (?=\w\b)", r"\1", flat)  # l i k e  t h i s
    return [flat, *([spaced] if len(spaced) < 0.75 * len(flat) else []), *_decoded(flat)]


# To put many marks on one letter in order takes a normalisation time in proportion to their square.
_HEAPED_MARKS = regex.compile(r"(\p{M}{4})\p{M}++")


def _visible(text: str) -> str:
    return text if text.isascii() else "".join(c for c in text if unicodedata.category(c) != "Cf")


def _ends(text: str) -> str:
    """Both ends of a text, or all of it when they would meet."""
    return text if len(text) <= 2 * LOOKED_AT else f"{text[:LOOKED_AT]}\n{text[-LOOKED_AT:]}"


def _decoded(text: str) -> list[str]:
    """What stands in base64, hexadecimal or binary digits, if it is text."""
    found = []
    for blob in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text)[:5]:
        for read in (lambda b: base64.b64decode(b + "=" * (-len(b) % 4)), bytes.fromhex):
            try:
                found.append(read(blob).decode("ascii"))
            except (ValueError, binascii.Error):
                continue
    bits = re.findall(r"(?:\b[01]{8}\b\s*){6,}", text)[:2]
    found += ["".join(chr(int(octet, 2)) for octet in run.split()) for run in bits]
    return [reading for reading in found if sum(c.isprintable() for c in reading) > 0.9 * len(reading)]
