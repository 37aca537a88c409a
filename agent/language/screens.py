"""What can be told from a text without a model: opt-out, a wish for a person, danger, attempts on the
rules."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import regex

from agent.language.injection import is_injection, is_suspicious
from agent.state import without_notes

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
    "says_stop",
]

# Characters of a message that a screen looks at; a model sees the rest.
LOOKED_AT = 3_000

# Whole messages only: "stop by tomorrow" and "do not send the red one" are no opt-outs.
_STOP = frozenset(
    "stop|stop it|stop it please|please stop|stop please|stop svp|stop bitte|stop per favore|stop por favor|stop promotions|stop promo|stop marketing|stop offers|stop messages|unsubscribe|stop all|opt out|optout|cancel subscription|do not write|don't write|do not message me|stop messaging me|"
    "стоп|отписаться|отпишите|отписка|не пишите|не пишите мне|больше не пишите|не беспокойте|хватит писать|удалите мой номер|"
    "тоқта|тоқтат|тоқтатыңыз|тоқтатыңызшы|жазбаңыз|маған жазбаңыз|basta|non scrivetemi|non scrivermi|cancellami|disiscrivimi|"
    "parar|pare|cancelar|baja|darme de baja|no me escriban|no escribir|sair|descadastrar|não me escrevam|não escreva|"
    "stopp|abmelden|nicht mehr schreiben|bitte nicht mehr schreiben|arrêter|arrêtez|désinscrire|ne plus écrire|dur|iptal|yazmayın|abonelikten çık|"
    "रोकें|बंद करो|मत लिखो|توقف|أوقف الرسائل|اوقف الرسائل|أوقفوا الرسائل|الغاء الاشتراك|إلغاء الاشتراك|لا تراسلني".split(
        "|"
    )
)
# Each word stands in the loop once: two ways to read a word are a million ways to read twenty of them.
_MESSAGES = (
    r"(?:(?:your|any|more|further|these|such|ваши|ваших|больше|рекламу|i vostri|altri|vostri|sus|tus|más|mais|suas|weiteren|mehr|diese|vos|de) )*"
    r"(?:messages?|texts?|spam|ads|offers|promos?|promotions?|newsletters?|сообщени\w*|рассыл\w*|реклам\w*|спам\w*|messaggi\w*|pubblicità|mensajes?|publicidad|mensagens|propaganda|nachrichten|werbung|messages)"
)
# The same said in a sentence of one's own, still as the whole message.
_STOP_SENTENCE = re.compile(
    r"(?:(?:please|hey|hi|ok|пожалуйста|прошу|прошу вас|per favore|por favor|bitte|s'il (?:vous|te) plaît|lütfen|कृपया|من فضلك) )*(?:"
    # English
    rf"(?:stop|quit|don't|do not|never) (?:ever )?(?:writ(?:e|ing)|text(?:ing)?|messag(?:e|ing)|contact(?:ing)?|spam(?:ming)?|bother(?:ing)?|call(?:ing)?)(?: to)?(?: me| us)(?: {_MESSAGES})?"
    rf"|(?:stop|quit|don't|do not) send(?:ing)?(?: me| us)? {_MESSAGES}|no more {_MESSAGES}|leave me alone|unsubscribe(?: me)?(?: from .{{1,30}})?"
    rf"|(?:remove|delete|take) (?:me|my number) (?:from|off) (?:your|this|the) (?:list|database|mailing)|i (?:don't|do not) want (?:to (?:get|receive) )?(?:any )?{_MESSAGES}(?: from you)?"
    # Russian, Ukrainian
    rf"|(?:больше )?(?:не|прекратите|перестаньте|хватит|перестань) (?:больше )?(?:мне |нам )?(?:больше )?(?:пис(?:ать|ывать)|пиши(?:те)?|присыла(?:ть|йте)|слать|шлите|беспоко(?:ить|йте)|звон(?:ить|ите))(?: мне| нам| сюда)?(?: {_MESSAGES})?"
    rf"|отпишите(?:сь)?(?: меня)?(?: от .{{1,20}})?|удалите (?:меня|мой номер)(?: из .{{1,20}})?|не хочу (?:больше )?(?:получать )?{_MESSAGES}|отстаньте(?: от меня)?|не пишіть(?: мені)?"
    # Kazakh
    r"|(?:маған )?(?:енді |бұдан былай )?(?:жазба(?:ңыз(?:дар)?)?|хабарлама жіберме(?:ңіз(?:дер)?)?)|(?:мені )?мазалама(?:ңыз(?:дар)?)?"
    # Italian
    rf"|non (?:mi )?(?:scriv(?:etemi|ermi|ete|ere|a)|contatta(?:temi|rmi|te)|disturba(?:temi|rmi|te))|non (?:mi )?(?:mand(?:atemi|armi|ate)|invi(?:atemi|armi|ate))(?: più)? {_MESSAGES}|smett(?:etela|ila|ete|i) di (?:scrivermi|contattarmi|disturbarmi)"
    rf"|basta {_MESSAGES}|non voglio(?: più)? ricevere(?: più)? {_MESSAGES}|cancellatemi(?: .{{1,20}})?"
    # Spanish
    rf"|no me (?:escrib(?:an|as|a)|molest(?:en|es|e)|contact(?:en|es|e))|no me (?:mand(?:en|es|e)|env[ií](?:en|es|e)) {_MESSAGES}|dej(?:en|a|e) de (?:escribirme|molestarme)|no quiero (?:recibir )?{_MESSAGES}|b[oó]rrenme(?: .{{1,20}})?"
    # Portuguese
    rf"|não me (?:escrev(?:am|a)|contact(?:em|e)|incomod(?:em|e))|não me (?:mand(?:em|e)|envi(?:em|e)) {_MESSAGES}|par(?:em|e|a) de me (?:escrever|mandar {_MESSAGES}|incomodar)|não quero (?:receber )?{_MESSAGES}"
    # German
    rf"|(?:schreib(?:en sie|t)?|kontaktieren sie) (?:mir|mich|uns) (?:bitte )?(?:nicht|nie)|keine {_MESSAGES}|lass(?:en sie|t)? mich in ruhe|ich (?:möchte|will) keine {_MESSAGES}(?: bekommen| erhalten)?"
    # French, Turkish
    rf"|ne m'écri(?:vez|s)|ne m'envo(?:yez|ie) plus (?:de )?{_MESSAGES}|arrête[zr]? de m'écrire|plus (?:de )?{_MESSAGES}|laisse(?:z)?[ -]moi tranquille|je ne veux plus (?:recevoir )?(?:de )?{_MESSAGES}"
    r"|(?:bana )?(?:bir daha |artık )?(?:yazma(?:yın)?|mesaj (?:atma(?:yın)?|gönderme(?:yin)?))|(?:artık )?mesaj istemiyorum|beni rahat bırak(?:ın)?"
    # Hindi, Arabic
    r"|(?:मुझे |मुझको )?(?:अब |और )?(?:मैसेज|संदेश|मेसेज) (?:मत|न|ना) (?:करो|करें|कीजिए|भेजो|भेजें|भेजिए)|(?:मुझे )?परेशान (?:मत|न) (?:करो|करें|कीजिए)|(?:mujhe )?(?:ab )?(?:message|msg) (?:mat|na) (?:karo|karna|bhejo|bhejna)"
    r"|لا (?:تراسلني|تراسلوني|تكتبوا لي|تكتب لي|ترسلوا لي رسائل|ترسل لي رسائل)|توقفوا? عن (?:مراسلتي|إرسال الرسائل)"
    r")(?: (?:please|again|any ?more|ever|now|at all|thanks|thank you|больше|никогда|пожалуйста|спасибо|вообще|più|mai più|grazie|per favore|más|nunca|gracias|por favor|mais|obrigad[oa]|mehr|wieder|bitte|danke|plus|jamais|merci|lütfen|рахмет|मत|धन्यवाद|بعد الآن|مرة أخرى))*"
)
_START = frozenset(
    "start|/start|unstop|subscribe|старт|начать|возобновить|бастау|inizia|iniziare|empezar|começar|anfangen|démarrer|başla|शुरू|ابدأ".split(
        "|"
    )
)
_GREETING = frozenset(
    "hi|hello|hey|hi there|good morning|good afternoon|good evening|привет|здравствуйте|добрый день|добрый вечер|доброе утро|салем|"
    "сәлем|сәлеметсіз бе|ciao|buongiorno|buonasera|salve|hola|buenos días|buenas tardes|buenas|olá|ola|oi|bom dia|boa tarde|hallo|"
    "guten tag|guten morgen|bonjour|bonsoir|salut|merhaba|selam|नमस्ते|नमस्कार|مرحبا|مرحبًا|السلام عليكم|start".split(
        "|"
    )
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
    "thanks|thank you|thx|vielen dank|herzlichen dank|besten dank|спасибо|благодарю|спасибо большое|рахмет|grazie|grazie mille|gracias|obrigado|obrigada|danke|merci|teşekkürler|धन्यवाद|شكرا|شكرًا".split(
        "|"
    )
)

_GRATEFUL = frozenset(
    "thanks thank thankyou thx ty cheers спасибо благодарю спасибочки спс рахмет рақмет grazie gracias obrigado obrigada danke dankeschön merci "
    "teşekkürler teşekkür sağol sağolun धन्यवाद शुक्रिया आभार شكرا شكرًا شكراً مشكور".split()
)
# What stands around a word of thanks without asking for anything.
_WARM = _GRATEFUL | frozenset(
    "you so very much many a lot again all for your help really kindly большое вам тебе огромное очень за помощь ответ көп сізге үлкен mille tante molte davvero per aiuto l "
    "muchas muchísimas mil por la ayuda su muy amable muito muita pela ajuda vielen vielen herzlichen besten sehr schön schon dank ihnen für die hilfe beaucoup mille fois pour votre aide "
    "bien vous ederim ederiz çok için yardım बहुत बहुत आपका जी جزيلا جزيلًا لك لكم كثيرا".split()
)

# A wish and whom it is for, at most three words apart: "I am a manager" is not a wish for one.
_WISH = (
    r"talk|speak|chat|connect|transfer|pass|call|need|want|get|позов\w*|позва\w*|соедин\w*|переключ\w*|дайте|нуж\w*|хочу|можно|свяж\w*|"
    r"поговорить|пообщаться|parlare|vorrei|voglio|passami|passatemi|hablar|quiero|pásame|falar|quero|sprechen|möchte|brauche|"
    r"parler|veux|voudrais|görüşmek|konuşmak|istiyorum|istiyoruz|bağla\w*|сөйлес\w*|қос\w*"
)
_WHOM = (
    r"human|person|operator|(?:live )?agent|manager|someone|somebody|colleague|оператор\w*|менеджер\w*|человек\w*|консультант\w*|"
    r"сотрудник\w*|persona|operatore|operatrice|qualcuno|agente|asesor\w*|alguien|pessoa|atendente|alguém|mitarbeiter\w*|menschen|"
    r"jemand\w*|conseiller|personne|quelqu'un|temsilci\w*|yetkili\w*|insan(?:la|ile)?|адам\w*|маман\w*"
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
    r"(?:house|kitchen|flat|apartment|office|shop|machine|cable|socket) is (?:on fire|burning)|gas leak|not breathing|unconscious|пожар|утечк\w+ газа|не дышит|без сознания|"
    r"(?:дом|кухня|квартира|машина|кофемашина|розетка) горит|va a fuoco|fuga di gas|non respira|incendio|fuga de gas|no respira|es brennt|gasleck|atmet nicht|fuite de gaz|ne respire (?:pas|plus)|"
    r"pegando fogo|não respira|yangın|nefes almıyor|вызовите скорую|voglio morire|suicidio|quiero morir|quero morrer|suicídio|"
    # breath
    r"(?:cannot|can not|can't|cant|struggling to|hard to) breathe|не могу дышать|задыха\w+|тяжело дышать|non (?:riesco a respirare|respiro)|no (?:puedo|puede) respirar|"
    r"não (?:consigo|consegue) respirar|(?:ich )?bekomme? keine luft|(?:kann|können) nicht (?:mehr )?atmen|(?:n'arrive|arrive) (?:pas|plus) (?:à|a) respirer|respirer plus|"
    r"nefes ala?m[ıi]yor\w*|тыныс ала алма\w+|тұншығ\w+|"
    # an ambulance
    r"(?:call|need|send) (?:an? |the )?(?:ambulance|doctor now|911|112)|(?:вызов\w*|нужна|вызвать) скор\w+|скорую помощь|(?:chiam\w+|serve) (?:un'|l')?ambulanza|"
    r"(?:llam\w+|necesito) (?:a )?(?:una |la )?ambulancia|(?:cham\w+|preciso de) (?:uma |a )?ambulância|(?:ruf\w*|brauch\w*) (?:sie )?(?:einen |den )?(?:krankenwagen|notarzt|rettungswagen)|"
    r"(?:appel\w+|besoin d') ?(?:une |l')?ambulance|ambulans (?:çağır\w*|lazım)|жедел жәрдем|"
    # the body
    r"(?:throat|tongue|face) is (?:swelling|closing|swollen)|anaphyla\w+|bleeding (?:heavily|badly|a lot|to death)|chest pain|(?:he|she|child|baby|somebody|someone|husband|wife|mother|father|colleague) is (?:choking|having a seizure|dying)|"
    r"(?:сильно|сильное) крово\w+|истека\w+ кровью|мне (?:очень )?плохо(?! (?:видно|слышно|понятно|ста\w* понятно|знаком\w*))|отекает (?:горло|лицо|язык)|отёк\w* квинке|боль в груди|"
    r"sto (?:soffocando|morendo|molto male)|perd\w+ (?:molto )?sangue|me (?:estoy )?(?:asfixi\w+|ahog\w+|muriendo)|(?:se me )?(?:hincha|cierra) la garganta|"
    r"(?:ich )?(?:ersticke|verblute|sterbe)|blutet stark|j'étouffe|saigne beaucoup|boğulu\w+|kan kaybed\w+|"
    # fire
    r"(?:there is|there's) (?:a )?fire(?: in|$| here)|fire in (?:the|your|our)|горим|пожара|c'è un incendio|hay (?:un )?(?:incendio|fuego(?! artificial))|há fogo|es brennt|il y a le feu|өрт)\b"
    r"|साँस नहीं|सांस नहीं|एम्बुलेंस|एंबुलेंस|आग लग|खून बह|(?:لا|مو|ما) (?:أستطيع|استطيع|أقدر|اقدر|قادر) (?:أن )?(?:أتنفس|اتنفس|التنفس)|لا أستطيع التنفس|(?:اتصل\w*|نحتاج|أحتاج) (?:ب|إلى )?(?:ال)?إسعاف|إسعاف|حريق|ينزف|أختنق",
    re.I,
)


def _bare(text: str) -> str:
    # the vowel signs of Hindi are marks, not letters
    return " ".join(regex.sub(r"[^\w\p{M}\s/']+", " ", text.replace("’", "'").casefold()).split())


def _flat(text: str) -> str:
    """What a pattern may look at: bounded, and no runs of spaces to try every way round."""
    return " ".join(text[:8_000].split())[:LOOKED_AT]


_WAIT = re.compile(
    r"\W*(?:(?:please|пожалуйста|bitte|por favor|per favore|lütfen) )?(?:wait|hold on|hang on|one (?:sec\w*|moment)|подожди(?:те)?|погоди(?:те)?|секунд\w*|минут\w*|күте тұр\w*|тоқтай тұр\w*|aspetta\w*|attenda|un (?:attimo|momento)|"
    r"esper[ae]n?|um momento|warte\w*|moment|attend(?:s|ez)|un instant|bekle(?:yin)?|bir dakika|रुक\w*|انتظر\w*|لحظة)(?:\W|\Z)",
    re.I,
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
    words = bare.split()[:8]
    return (
        len(bare) < 60 and any(word in _GRATEFUL for word in words) and all(word in _WARM for word in words)
    )


def is_small_talk(text: str) -> bool:
    """Nothing that a document could answer: an acknowledgement, a polite question, a lone emoji."""
    return _bare(text) in _SMALL_TALK or not re.search(r"[^\W_]", text)


_PLEASANT = sorted((p.split() for p in _GREETING | _SMALL_TALK | _THANKS), key=len, reverse=True)
_MARK = re.compile(
    r"\[(?:image|video|audio|document|sticker|location|contacts|empty message)[^\]\n]{0,300}\]", re.I
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
    return _bare(without_notes(text)) in _LONE_PERSON or bool(_PERSON.search(_flat(text)))


def is_emergency(text: str) -> bool:
    """Speaks of danger to life."""
    return bool(_EMERGENCY.search(_flat(text)))
