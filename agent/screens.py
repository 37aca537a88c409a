"""What can be told from a text without a model: opt-out, a wish for a person, danger, attempts on the rules."""

from __future__ import annotations

import re

from agent.injection import is_injection, is_suspicious

__all__ = [
    "asks_for_person",
    "is_emergency",
    "is_greeting",
    "is_injection",
    "is_media_only",
    "is_pleasantry",
    "is_small_talk",
    "is_start",
    "is_stop",
    "is_suspicious",
    "is_thanks",
]

# Characters of a message that a screen looks at; a model sees the rest.
LOOKED_AT = 3_000

# Whole messages only: "stop by tomorrow" is not an opt-out.
_STOP = frozenset(
    "stop|stop promotions|stop promo|stop marketing|stop offers|stop messages|unsubscribe|stop all|opt out|optout|cancel subscription|do not write|don't write|do not message me|stop messaging me|"
    "стоп|отписаться|отпишите|отписка|не пишите|не пишите мне|больше не пишите|не беспокойте|хватит писать|удалите мой номер|"
    "тоқта|тоқтат|жазбаңыз|маған жазбаңыз|basta|non scrivetemi|non scrivermi|cancellami|disiscrivimi|"
    "parar|pare|cancelar|baja|darme de baja|no me escriban|no escribir|sair|descadastrar|não me escrevam|não escreva|"
    "stopp|abmelden|nicht mehr schreiben|arrêter|arrêtez|désinscrire|ne plus écrire|dur|iptal|yazmayın|abonelikten çık|"
    "रोकें|बंद करो|मत लिखो|توقف|الغاء الاشتراك|إلغاء الاشتراك|لا تراسلني".split("|")
)
_START = frozenset(
    "start|/start|unstop|subscribe|старт|начать|возобновить|бастау|inizia|iniziare|empezar|começar|anfangen|démarrer|başla|शुरू|ابدأ".split(
        "|"
    )
)
_GREETING = frozenset(
    "hi|hello|hey|hi there|good morning|good afternoon|good evening|привет|здравствуйте|добрый день|добрый вечер|доброе утро|салем|"
    "сәлем|сәлеметсіз бе|ciao|buongiorno|buonasera|salve|hola|buenos días|buenas tardes|buenas|olá|ola|oi|bom dia|boa tarde|hallo|"
    "guten tag|guten morgen|bonjour|bonsoir|salut|merhaba|selam|नमस्ते|नमस्कार|مرحبا|مرحبًا|السلام عليكم|start".split("|")
)
_SMALL_TALK = frozenset(
    "ok|okay|yes|no|sure|fine|good|great|nice|cool|i see|got it|how are you|how are you today|how is it going|what's up|"
    "хорошо|ладно|понятно|ясно|ок|да|нет|окей|отлично|супер|как дела|как вы|жақсы|иә|жоқ|қалайсыз|va bene|sì|si|capisco|come stai|come va|"
    "vale|sí|claro|entiendo|qué tal|cómo está|cómo estás|está bem|sim|não|tudo bem|como vai|gut|ja|nein|wie geht es ihnen|wie geht's|"
    "d'accord|oui|non|ça va|comment allez vous|tamam|evet|hayır|nasılsın|nasılsınız|ठीक है|हाँ|नहीं|नमस्ते कैसे हैं|حسنا|نعم|لا|كيف حالك".split(
        "|"
    )
)
_THANKS = frozenset(
    "thanks|thank you|thx|спасибо|благодарю|спасибо большое|рахмет|grazie|grazie mille|gracias|obrigado|obrigada|danke|merci|teşekkürler|धन्यवाद|شكرا|شكرًا".split(
        "|"
    )
)

# A wish and whom it is for, at most three words apart: "I am a manager" is not a wish for one.
_WISH = (
    r"talk|speak|chat|connect|transfer|pass|call|need|want|get|позов\w*|позва\w*|соедин\w*|переключ\w*|дайте|нуж\w*|хочу|можно|свяж\w*|"
    r"поговорить|пообщаться|parlare|vorrei|voglio|passami|passatemi|hablar|quiero|pásame|falar|quero|sprechen|möchte|brauche|"
    r"parler|veux|voudrais|görüşmek|konuşmak|istiyorum|bağla\w*|сөйлес\w*|қос\w*"
)
_WHOM = (
    r"human|person|operator|(?:live )?agent|manager|someone|somebody|colleague|оператор\w*|менеджер\w*|человек\w*|консультант\w*|"
    r"сотрудник\w*|persona|operatore|operatrice|qualcuno|agente|asesor\w*|alguien|pessoa|atendente|alguém|mitarbeiter\w*|menschen|"
    r"jemand\w*|conseiller|personne|quelqu'un|temsilci\w*|yetkili\w*|адам\w*|маман\w*"
)
_PERSON = re.compile(
    rf"\b(?:{_WISH})\b(?:\W+\w+){{0,3}}?\W+(?:{_WHOM})\b(?!['’]s)|\b(?!some|qualcuno|alg|jemand|quelqu)(?:{_WHOM})\W+(?:\w+\W+){{0,2}}?(?:{_WISH})\b"
    r"|\b(?:real|live|actual) (?:person|human)\b|\bжив\w+ человек\w*|\bhuman agent\b|इंसान से|व्यक्ति से|شخص حقيقي|(?:التحدث|أتحدث|الكلام|أتكلم) (?:مع|إلى) (?:شخص|موظف|أحد)",
    re.I,
)
_LONE_PERSON = frozenset(
    "person|human|agent|operator|manager|человек|оператор|менеджер|консультант|адам|маман|persona|operatore|operador|asesor|agente|"
    "pessoa|atendente|mensch|mitarbeiter|personne|conseiller|insan|temsilci|व्यक्ति|इंसान|موظف".split("|")
)
_EMERGENCY = re.compile(
    r"\b(i want to die|kill myself|suicide|call an ambulance|heart attack|can't breathe|хочу умереть|покончить с собой|суицид\w*|"
    r"вызовите скорую|voglio morire|suicidio|quiero morir|quero morrer|suicídio)\b",
    re.I,
)


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s/']+", " ", text.replace("’", "'").casefold()).split())


def _flat(text: str) -> str:
    """What a pattern may look at: bounded, and no runs of spaces to try every way round."""
    return " ".join(text[:8_000].split())[:LOOKED_AT]


def is_stop(text: str) -> bool:
    """A request to get no more messages."""
    return _bare(text) in _STOP


def is_start(text: str) -> bool:
    """Takes an opt-out back."""
    return _bare(text) in _START


def is_greeting(text: str) -> bool:
    """Nothing but a greeting."""
    return _bare(text) in _GREETING


def is_thanks(text: str) -> bool:
    """Nothing but thanks."""
    return _bare(text) in _THANKS


def is_small_talk(text: str) -> bool:
    """Nothing that a document could answer: an acknowledgement, a polite question, a lone emoji."""
    return _bare(text) in _SMALL_TALK or not re.search(r"[^\W_]", text)


_PLEASANT = sorted((p.split() for p in _GREETING | _SMALL_TALK | _THANKS), key=len, reverse=True)
_MARK = re.compile(
    r"\[(?:image|video|audio|document|sticker|location|contacts|empty message)[^\]\n]*\]", re.I
)  # how a message without words looks to the graph


def is_pleasantry(text: str) -> bool:
    """Nothing but greetings, thanks and acknowledgements, however many: `ok, thanks!`."""
    words = _bare(text[:200]).split()
    while words:
        known = next((phrase for phrase in _PLEASANT if words[: len(phrase)] == phrase), None)
        if known is None:
            return False
        words = words[len(known) :]
    return len(text) <= 200


def is_media_only(text: str) -> bool:
    """Files, stickers or places without a word."""
    return bool(_MARK.search(text)) and not re.search(r"[^\W\d_]", _MARK.sub("", text))


def asks_for_person(text: str) -> bool:
    """Wants a human being."""
    return _bare(text) in _LONE_PERSON or bool(_PERSON.search(_flat(text)))


def is_emergency(text: str) -> bool:
    """Speaks of danger to life."""
    return bool(_EMERGENCY.search(_flat(text)))
