"""What can be told from a text without a model: opt-out, a wish for a person, danger, attempts on the rules."""

from __future__ import annotations

import re

# Whole messages only: "stop by tomorrow" is not an opt-out.
_STOP = frozenset(
    "stop|unsubscribe|stop all|opt out|optout|cancel subscription|do not write|don't write|do not message me|stop messaging me|"
    "стоп|отписаться|отпишите|отписка|не пишите|не пишите мне|больше не пишите|не беспокойте|хватит писать|удалите мой номер|"
    "тоқта|тоқтат|жазбаңыз|маған жазбаңыз|basta|non scrivetemi|non scrivermi|cancellami|disiscrivimi|"
    "parar|pare|cancelar|baja|darme de baja|no me escriban|no escribir|sair|descadastrar|não me escrevam|não escreva|"
    "stopp|abmelden|nicht mehr schreiben|arrêter|arrêtez|désinscrire|ne plus écrire|dur|iptal|yazmayın|abonelikten çık|"
    "रोकें|बंद करो|मत लिखो|توقف|الغاء الاشتراك|إلغاء الاشتراك|لا تراسلني".split("|")
)
_START = frozenset("start|/start|unstop|subscribe|старт|начать|возобновить|бастау|inizia|iniziare|empezar|começar|anfangen|démarrer|başla|शुरू|ابدأ".split("|"))
_GREETING = frozenset(
    "hi|hello|hey|hi there|good morning|good afternoon|good evening|привет|здравствуйте|добрый день|добрый вечер|доброе утро|салем|"
    "сәлем|сәлеметсіз бе|ciao|buongiorno|buonasera|salve|hola|buenos días|buenas tardes|buenas|olá|ola|oi|bom dia|boa tarde|hallo|"
    "guten tag|guten morgen|bonjour|bonsoir|salut|merhaba|selam|नमस्ते|नमस्कार|مرحبا|مرحبًا|السلام عليكم|start".split("|")
)
_THANKS = frozenset("thanks|thank you|thx|спасибо|благодарю|спасибо большое|рахмет|grazie|grazie mille|gracias|obrigado|obrigada|danke|merci|teşekkürler|धन्यवाद|شكرا|شكرًا".split("|"))

_PERSON = re.compile(
    r"\b(human|real person|(?:a|the|live) (?:person|human|agent|operator|manager)|talk to (?:someone|somebody|a person)|speak (?:to|with) (?:a|someone|somebody|the)|operator|"
    r"оператор\w*|менеджер\w*|(?:с |позовите |дайте )(?:жив\w+ )?челове\w+|жив\w+ челове\w+|консультант\w*|адаммен|маманмен|"
    r"operatore|operatrice|parlare con (?:una persona|qualcuno)|persona reale|hablar con (?:una persona|alguien)|agente|asesor|"
    r"atendente|falar com (?:uma pessoa|alguém)|mitarbeiter|echten menschen|conseiller|parler à (?:une personne|quelqu'un)|temsilci\w*|yetkili\w*)\b"
    r"|व्यक्ति|इंसान से|موظف|شخص حقيقي",
    re.I,
)
_LONE_PERSON = frozenset("person|human|agent|человек|адам|persona|pessoa|mensch|personne|insan".split("|"))
_EMERGENCY = re.compile(
    r"\b(i want to die|kill myself|suicide|call an ambulance|heart attack|can't breathe|хочу умереть|покончить с собой|суицид\w*|"
    r"вызовите скорую|voglio morire|suicidio|quiero morir|quero morrer|suicídio)\b", re.I,
)  # fmt: skip
_INJECTION = re.compile(
    r"(ignore|disregard|forget|override)\s+(all\s+|any\s+|the\s+|your\s+|my\s+)*(previous|prior|above|earlier|system)?\s*(instructions?|rules|prompts?|guidelines)"
    r"|\b(system prompt|developer mode|jailbreak|DAN mode)\b|you are now (?:a|an|the|in)\b|reveal (?:your|the) (?:prompt|instructions|rules)"
    r"|(?:show|print|repeat|tell me) (?:your|the) (?:system )?(?:prompt|instructions)"
    r"|(игнорируй|забудь|проигнорируй)\w*\s+(все\s+|свои\s+|предыдущие\s+|прежние\s+)*(инструкци\w+|правила|указания)|системн\w+ промпт"
    r"|ignora (?:tutte )?(?:le|las|as|todas)?\s*(?:istruzioni|instrucciones|instruções|regole|reglas)", re.I,
)  # fmt: skip


def _bare(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s/']+", " ", text.replace("’", "'").casefold()).split())


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


def asks_for_person(text: str) -> bool:
    """Wants a human being."""
    return _bare(text) in _LONE_PERSON or bool(_PERSON.search(text))


def is_emergency(text: str) -> bool:
    """Speaks of danger to life."""
    return bool(_EMERGENCY.search(text))


def is_injection(text: str) -> bool:
    """Tries to change the rules or to see them."""
    return bool(_INJECTION.search(text))
