"""Whether a message is a definitive yes or no, told without a model; only where that is beyond doubt.

What is not is for the model to judge: "no, make it 5 pm" corrects, "yes, but" bargains, "no, that's all" ends
a talk and refuses nothing. The precision on other people's dialogues stands in `benchmarks/README.md` (`make
eval`)."""

from __future__ import annotations

import re
from typing import Literal

Decision = Literal["yes", "no", "uncertain"]

# A definitive answer is short; whoever writes more says more.
WORDS = 9
_YES = (
    r"yes|yeah|yep|yup|sure|of course|certainly|absolutely|definitely|ok(?:ay)?|alright|correct|exactly|please do|agreed|deal|perfect|"
    r"да|ага|конечно|давайте|хорошо|согласен|согласна|подходит|беру|иә|әрине|жарайды|келісемін|sì|si|certo|certamente|va bene|va benissimo|d['’]accordo|perfetto|esatto|procedi|confermo|"
    r"sí|claro|por supuesto|de acuerdo|vale|perfecto|sim|com certeza|combinado|ja|gerne|natürlich|einverstanden|stimmt|oui|d['’]accord|bien sûr|evet|tamam|olur|elbette|हाँ|हां|जी हाँ|ठीक है|haan|نعم|موافق|так|підтверджую"
)
# None of _YES again: with two ways to read each word, a long row of them that ends in another would be read
# in every way.
_MORE_YES = (
    r"please|thanks?(?: you)?|that(?:'?s| is| would be)?|it|(?:sounds|looks|is|works|be)|very|so|great|good|fine|right|nice|lovely|by|for|with|me|i(?:'d| would|'ll| will)?|do|agree|want|like|to|love|"
    r"пожалуйста|спасибо|это|всё|верно|правильно|отлично|мне|grazie|per favore|bene|gracias|bien|está|obrigad[oa]|por|favor|bitte|danke|das|passt|merci|lütfen|teşekkürler|рахмет|कृपया|धन्यवाद"
)
_NO = (
    r"no|nope|nah|no way|never|not interested|i(?:'m| am) not interested|"
    r"нет|не надо|не нужно|не интересно|не интересует|не хочу|отказываюсь|жоқ|керек емес|қажет емес|no grazie|non mi interessa|non voglio|no gracias|no me interesa|no quiero|nunca|"
    r"não|não quero|não obrigad[oa]|nein|kein interesse|nein danke|non|non merci|pas intéressé\w*|hayır|istemiyorum|नहीं|नहीं चाहिए|nahi|لا|ні"
)
_MORE_NO = (
    r"thanks?(?: you)?|but|very much|sorry|i(?:'m| am)?|not|interested|really|at all|"
    r"спасибо|извините|мне|это|не|надо|нужно|интересно|интересует|рахмет|grazie|gracias|lo siento|me|interesa|obrigad[oa]|danke|merci|désolé|teşekkürler|धन्यवाद|शुक्रिया|mi|non|no|нет|nein|não"
)
_MAYBE = re.compile(
    r"\b(?:maybe|perhaps|i(?:'ll| will) think|let me think|need to think|not sure|i(?:'ll| will) (?:let you know|get back|see)|later|think about it|have to (?:ask|talk|discuss)|"
    r"может быть|возможно|наверное|подумаю|подумаем|надо подумать|нужно подумать|посоветуюсь|посоветоваться|позже|потом напишу|мүмкін|ойлан\w+|кейін|"
    r"forse|ci penso|ci penserò|devo pensarci|vediamo|le farò sapere|quizás?|tal vez|lo pienso|lo pensaré|déjame pensar|ya veremos|talvez|vou pensar|depois|"
    r"vielleicht|ich überlege|muss überlegen|später|peut-être|je vais réfléchir|plus tard|belki|düşüneyim|düşüneceğim|sonra)\b|शायद|सोच(?:ता|ती|कर|ना)|बाद में|ربما|سأفكر|لاحقا",
    re.I,
)
_REFUSES = re.compile(
    r"\b(?:no|not|already|will|would|can|need|нет|не|уже|non|già|nein|nicht|não|hayır|жоқ)\b", re.I
)
_ASKS_MORE = re.compile(r"\belse\b|further|what more|\b(?:any|some|other) (?:other |more )?(?:help|information|question|assist)\w*|anything more|more for you|need me|all you need|assist you|ещё (?:что|чем)|что-нибудь ещё|altro|algo más|mais alguma|noch etwas|autre chose|başka", re.I)  # fmt: skip
# Says no to whatever it was, asked or not.
_FLAT_NO = re.compile(
    r"(?:(?:no|no,? thanks?(?: you)?|sorry|thanks)[\s,.!]+)?(?:i(?:'m| am) )?not interested(?: at all| anymore| any more| thanks)?|"
    r"(?:нет[\s,.!]+|спасибо[\s,.!]+)?(?:мне )?(?:уже )?не(?:интересно| интересно| интересует| актуально| нужно)|(?:no[\s,.!]+)?(?:grazie[\s,.!]+)?non (?:mi|ci) interessa(?: più)?|"
    r"(?:no[\s,.!]+)?(?:gracias[\s,.!]+)?(?:ya )?no me interesa|(?:não[\s,.!]+)?não (?:me interessa|tenho interesse)|(?:nein[\s,.!]+)?kein interesse(?: mehr)?|(?:non[\s,.!]+)?pas intéressée?|(?:hayır[\s,.!]+)?ilgilenmiyorum",
    re.I,
)
_BETWEEN = re.compile(r"[\s,.!]+")
_YES_ONLY = re.compile(rf"(?:{_YES})(?:[\s,.!]+(?:{_YES}|{_MORE_YES}))*", re.I)
_NO_ONLY = re.compile(rf"(?:{_NO})(?:[\s,.!]+(?:{_MORE_NO}))*", re.I)


def decision_in(text: str, before: str = "") -> Decision | None:
    """The decision of a message after `before`, the last that was said to its sender; None when a model must
    judge. Where nothing was asked, nothing is decided; a bare no to "anything else?" refuses nothing, and a
    bare yes wants more."""
    bare = " ".join(text.replace("’", "'").strip(" \t\n.!…,;)(🙂😊👍🙏").split())
    if _FLAT_NO.fullmatch(bare):
        return "no"
    asked = not before or "?" in before[-300:] or "؟" in before[-300:]
    if not bare or "?" in bare or not asked or len(bare.split()) > 40:
        return None
    if _MAYBE.search(bare) and len(bare.split()) <= WORDS:
        return (
            None
            if _REFUSES.search(re.sub(r"not sure|need to (?:think|ask)|I(?:'ll| will)", "", bare, flags=re.I))
            else "uncertain"
        )
    if sum(map(bool, _BETWEEN.split(bare))) > WORDS or _ASKS_MORE.search(before[-120:]):
        return None
    if _YES_ONLY.fullmatch(bare):
        return "yes"
    return "no" if _NO_ONLY.fullmatch(bare) else None
