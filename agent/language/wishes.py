"""What somebody asks of the people of the shop: an order, its cancellation, a complaint. It must not be lost
while no model can act on it.

For the languages the agent speaks, by the words of a decision in the first person or of an instruction; a
question about ordering ("where is my order?") has none."""

from __future__ import annotations

import re
from typing import Literal

Request = Literal["order", "cancellation", "complaint"]

# Characters around a word in which a no to it is looked for.
NEAR = 60
# Characters that are looked at.
LOOKED_AT = 2_000
_DO = {
    "en": r"order|buy|book|reserve|purchase|visit|come|schedule|take|get|pick (?:it|them) up|make an appointment|place an order|sign up",
    "ru": r"заказать|купить|оформить|забронировать|записаться|приехать|подъехать|заехать|взять|приобрести|посетить|бронь|забрать|зайти|прийти",
    "it": r"ordinare|comprare|acquistare|prenotare|venire|passare|fissare|visitare|prendere|ritirare",
    "es": r"pedir|comprar|ordenar|encargar|reservar|agendar|visitar|pasar|ir|hacer un pedido|llevarme|recoger|una cita|una reserva",
    "pt": r"comprar|pedir|encomendar|reservar|agendar|marcar|visitar|ir|passar|fazer um pedido|levar|retirar|uma reserva",
    "de": r"bestellen|kaufen|buchen|reservieren|vorbeikommen|kommen|besuchen|vereinbaren|abholen",
    "fr": r"commander|acheter|réserver|prendre|visiter|venir|passer|un rendez-vous",
    "ar": r"أطلب|اطلب|طلب|شراء|أشتري|اشتري|شرائ\w*|حجز|أحجز|احجز|زيارة|أزور|زيارتكم|موعد\w*",
}
# How many, and of what one asks for at a desk: "a table for two".
_MANY = {
    "en": r"\d+|one|two|three|four|five|six|ten|a dozen|a couple|some|the|an?",
    "ru": r"\d+(?! ?(?:лет|год|км|мин|час|руб|тенге|тг))|одну|один|два|две|двух|двоих|три|четыре|пять|шесть|десять|пару|столик\w*|стол|номер|билет\w*",
    "it": r"\d+|due|tre|quattro|cinque|un tavolo|un appuntamento|una prenotazione|una camera|un posto|un|una|il|la|quell[oa]",
    "es": r"\d+|dos|tres|cuatro|cinco|una mesa|una cita|una reserva|una habitación|un turno|un|una|el|la|ese|esa",
    "pt": r"\d+|dois|duas|três|quatro|cinco|uma mesa|um horário|uma reserva|um quarto|um|uma|o|a",
    "de": r"\d+|zwei|drei|vier|fünf|einen tisch|einen termin|ein zimmer|einen|eine|ein|den|die|das",
    "fr": r"\d+|deux|trois|quatre|cinq|une table|un rendez-vous|une réservation|une chambre|un|une|le|la",
}
_WISHES = re.compile(
    "|".join(
        (
            rf"(?<!\bdo )(?<!\bwould )(?<!\bshould )\b(?:i|we)(?:'d| would)? (?:like|want|need|wish|am going|are going|plan)(?: to)? (?:\w+ ){{0,2}}?(?:{_DO['en']})\b",
            rf"\b(?:i|we)(?:'d| would) like (?:{_MANY['en']})\b|\b(?:i|we) (?:want|need) (?:{_MANY['en']}) |\bgive (?:me|us) (?:{_MANY['en']})\b|\b(?:a )?table for (?:\d|one|two|three|four|five|six)",
            rf"\b(?:хочу|хотим|хотел\w* бы|нужн\w*|нужен|надо|дайте|давайте|можно)\s+(?:{_MANY['ru']})\b|\bстолик на\b|\bзапиши(?:те)? (?:меня|нас)\b",
            r"\b(?:\d+|бір|екі|үш|төрт|бес)\s+\w+(?:\s+\w+)?\s+(?:керек|алайын|беріңіз\w*|бересіз бе)\b",
            rf"\b(?:vorrei|voglio|vorremmo|mi serve|ci serve|mi dia|dammi) (?:{_MANY['it']})\b",
            rf"\b(?:quiero|quisiera|quisiéramos|queremos|deme|dame|denos|póngame|ponme|necesito|me gustaría) (?:{_MANY['es']})\b",
            rf"\b(?:quero|queria|queremos|gostaria de|me vê|me dá|preciso de) (?:{_MANY['pt']})\b",
            rf"\b(?:ich|wir) (?:brauchen?|möchten?|hätten? gerne?|will|wollen|nehmen?) (?:{_MANY['de']})\b|\bkönn(?:en|ten) sie (?:mir|uns) [^.!\n]{{1,60}}?\b(?:reservieren|buchen|schicken|liefern|zurücklegen)\b",
            r"\A\W*(?:\d{1,5}|zwei|drei|vier|fünf) \w[^\n?]{0,60}\bbitte\W*\Z",
            rf"\b(?:je voudrais|je veux|il me faut|il nous faut|donnez-moi|j'aimerais|on voudrait|nous voudrions) (?:{_MANY['fr']})\b",
            r"\b(?:\d+|bir|iki|üç|dört|beş) \w+(?: \w+)? (?:istiyorum|istiyoruz|alabilir miyim|rica ediyorum|lütfen)\b",
            r"(?:\d+|एक|दो|तीन|चार|पाँच|पांच)\s+\S+(?:\s+\S+)?\s+(?:चाहिए|दे दो|दीजिए|भेज दो|भेजिए)",
            r"(?:أريد|اريد|بدي|أبغى|ابغى|عايز|عاوز|نريد|أود|اود) (?:طاولة|موعد\w*|حجز|[اأ]حجز|\d+|اثنين|اثنان|ثلاث\w*|قطعتين|واحد\w*)",
            rf"\b(?:i'd|we'd|let me|let us|let's) (?:like to )?(?:{_DO['en']})\b",
            r"\b(?:i|we)(?:'ll| will|'m going to| am going to) (?:take(?! a look)|have(?! to)|order|buy|book|come(?! back)|visit|stop by|drop by|pick)\b",
            r"\b(?:i|we) (?:need|want|order|take) (?:\d+|one|two|three|four|five|ten|a dozen)\b",
            r"\b(?:please |can you |could you )(?:book|reserve|order|schedule|sign me|put me|send me \d|deliver \d|prepare)\b",
            r"\b(?:sign (?:me|us) up|put (?:me|us) down)\b|\b(?:can|could|may) (?:i|we) (?:get|have) (?:\d+|two|three)\b",
            r"(?<!\bto )\b(?:book|reserve) (?:me|us|a|an|one|two|\d+)\b|\border \d+\b",
            r"\A\W*\d{1,5} \w[^\n?]{0,60}\bplease\W*\Z",
            rf"\b(?:хочу|хочется|хотел\w* бы|хотим|можно|давайте|нужно|надо|готов\w*|решил\w*|желаю|планирую)\b[^.!?\n]{{0,40}}?\b(?:{_DO['ru']})\b",
            r"\b(?:закажите|запишите|забронируйте|оформите|оформляйте|оформляем|закажу|заказываю|беру|возьму|возьм[её]м|бер[её]м|куплю|покупаю|"
            r"приеду|приедем|подъеду|заеду|отложите|привезите|доставьте|забираю|заберу|зайду)\b",
            r"\b(?:хочу|нужно|надо|мне|нам)\s+\d+\s(?!(?:лет|год))|\bзаказ\s+на\s+\d",
            r"\b(?:тапсырыс бер\w*|сатып ал\w*|брондағым|брондаңыз\w*|брондап\w*|жазып қой\w*|жазылғым|жазылайын|келемін|келеміз|барамын|аламын|аламыз|"
            r"алғым келеді|тапсырыс берейін|тапсырыс жаса\w*)\b",
            rf"\b(?:vorrei|voglio|vorremmo|vogliamo|desidero|posso|possiamo|avrei bisogno di)\b[^.!?\n]{{0,30}}?\b(?:{_DO['it']})\b",
            r"\b(?:mi prenoti|ci prenoti|prenoto|prenotatemi|prenotami|prenotate|ordino|ordiniamo|prendo|prendiamo|compro|riservatemi|passo (?:domani|oggi|lunedì|martedì|mercoledì|giovedì|venerdì|sabato))\b",
            r"\b(?:vorrei|voglio|vorremmo) (?:\d+|un appuntamento|una prenotazione)\b",
            rf"\b(?:quiero|quisiera|queremos|me gustaría|nos gustaría|puedo|podría|necesito|deseo|voy a)\b[^.!?\n]{{0,30}}?\b(?:{_DO['es']})\b",
            r"(?:\b|(?<=¡))(?:res[eé]rv(?:eme|enme|ame|en|e)|ag[eé]nd(?:eme|enme|ame)|ap[uú]nt(?:eme|enme|ame)|me llevo|compro|encargo|quiero \d+|necesito \d+)\b",
            rf"\b(?:quero|queria|queremos|gostaria de|posso|preciso|desejo|vou)\b[^.!?\n]{{0,30}}?\b(?:{_DO['pt']})\b",
            r"\b(?:reserve|agende|marque|vou levar|fico com|quero \d+|preciso de \d+)\b",
            rf"\b(?:möchte|möchten|will|wollen|würde gerne?|würden gerne?|kann ich|können wir|hätte gerne?)\b[^.!?\n]{{0,80}}?\b(?:{_DO['de']})\b",
            r"\bich (?:nehme|bestelle|kaufe|buche|reserviere|komme(?! aus\b))\b|\bwir (?:nehmen|bestellen|kaufen|buchen|kommen)\b|\b(?:reservieren|buchen|bestellen) sie\b|\bhätte gerne? \d+\b",
            rf"\b(?:je|nous|j'|on) ?(?:voudrais|veux|souhaite|souhaiterais|aimerais|voudrions|souhaitons|aimerions|peux|vais)\b[^.!?\n]{{0,30}}?\b(?:{_DO['fr']})\b",
            r"\b(?:réservez|je prends|je commande|j'achète|j'en (?:prends|veux|voudrais|commande)|je (?:la|le|les) prends|je réserve|je passerai|je viendrai|nous prenons|nous commandons)\b|\bje (?:veux|voudrais) \d+\b",
            r"\b(?:sipariş (?:ver|et|oluştur)\w*|satın al\w*|rezervasyon (?:yap|iste)\w*|randevu (?:al|iste|oluştur)\w*|ayırt\w*|ayırın|alıyorum|alacağım|alayım|"
            r"geleceğim|geleceğiz|uğrayacağım|almak isti\w*|ziyaret etmek|rezerve ed\w*)\b",
            r"(?:ऑर्डर|आर्डर|ऑर्डर्स) (?:कर|दे|देना|करना|करें|बुक)|ख़?रीदना|खरीदना|बुक (?:कर|कीजिए|करें|करना)|मंगवाना|मँगवाना|(?:आना|देखने आना|मिलने आना) चाहत|आ(?:ऊँगा|ऊंगा|ऊँगी|ऊंगी|एँगे|एंगे)|लेना चाहत|(?:ले )?लू(?:ँगा|ंगा|ँगी|ंगी)|लेंगे|\d+\s+\S+(?:\s+\S+)? चाहिए",
            r"\b(?:order kar\w*|kharid\w*|book kar\w*|lena chaht\w*|mangwana)\b",
            rf"(?:أريد|اريد|أود|اود|نريد|نود|أرغب|ارغب|ممكن|أحتاج|احتاج)[^.!؟\n]{{0,30}}?(?:{_DO['ar']})",
            r"(?:احجز(?:وا)? لي|سآخذ|سأشتري|سأطلب|سأزور|سأحضر|سأمر)",
        )
    ),
    re.I,
)


# What turns a sentence into the contrary of a wish: a no, a cancellation, a thing one wants to know or to
# have back.
_CONTRARY = re.compile(
    r"\b(?:don't|do not|didn't|not|never|no longer|cancel\w*|refund\w*|return\w*|complain\w*|money back|my (?:order|booking|reservation|appointment)|"
    r"know|ask|understand|question|information|discount|invoice|receipt|human|person|manager|think)\b"
    r"|\b(?:не\s+(?:хо\w*|буд\w*|над\w*|нуж\w*|над\w*)|отмен\w*|верн\w*|возврат\w*|мо[йяе]\w* (?:заказ\w*|брон\w*|запис\w*)|узнать|спросить|понять|скидк\w*|"
    r"чек\w*|оператор\w*|менеджер\w*|жалоб\w*)\b"
    r"|\b(?:керек емес|қажет емес|болдырма\w*|қайтар\w*|тапсырысым\w*)\b"
    r"|\bnon\b|\b(?:annull\w*|disdi\w*|rimbors\w*|restituir\w*|il mio ordine|la mia prenotazione|sapere|chiedere|informazion\w*|parlare|persona|fattura|sconto)\b"
    r"|\b(?:no|ya no|nunca|cancelar\w*|devol\w*|reembols\w*|mi (?:pedido|reserva|cita)|saber|preguntar|información|hablar|factura|descuento)\b"
    r"|\b(?:não|nunca|estorno|meu pedido|minha reserva|perguntar|informaç\w*|falar|pessoa|nota fiscal|desconto)\b"
    r"|\b(?:nicht|kein\w*|stornier\w*|zurückgeb\w*|umtausch\w*|erstatt\w*|rückerstatt\w*|meine (?:bestellung|buchung|reservierung)|meinen termin|wissen|fragen?|"
    r"information\w*|mensch\w*|mitarbeiter\w*|rechnung|rabatt)\b"
    r"|\b(?:ne \w+ (?:pas|plus|rien)|n'\w+ (?:pas|plus|rien)|annuler|rembours\w*|rendre|ma (?:commande|réservation)|savoir|demander|renseignement\w*|parler|personne|"
    r"facture|réduction|médicament\w*)\b"
    r"|\b(?:istemi\w*|iptal\w*|iade\w*|siparişim\w*|rezervasyonum\w*|randevum\w*|bilmek|öğrenmek|konuşmak|görüşmek|fatura\w*|indirim\w*)\b"
    r"|नहीं|रद्द|वापस|मेरा ऑर्डर|जानना|पूछना|इंसान|रसीद|(?:لا|لن|ما) (?:أ|ا|ب|ن)|إلغاء|الغاء|إرجاع|استرداد|استرجاع|طلبي|حجزي|موعدي|معرفة|أعرف|اعرف|سؤال|التحدث|فاتورة|خصم",
    re.I,
)
# A sentence that asks when, where or how orders nothing.
_ASKS = re.compile(
    r"\A\W*(?:and |but |so |а |и |но |y |e |und |et |ve |और |و )?(?:when|where|how|what|which|who|why|do you|does|is it|are there|когда|где|куда|как|сколько|какой|какая|какие|что|"
    r"почему|есть ли|қашан|қайда|қалай|қанша|quando|dove|come|quanto|quanti|quale|perché|cuándo|dónde|cómo|cuánto|cuál|qué|por qué|onde|como|qual|"
    r"wann|wo|wie|was|welche\w*|warum|quand|où|comment|combien|quel\w*|pourquoi|ne zaman|nerede|nasıl|kaç|hangi|neden|कब|कहाँ|कैसे|कितन\S*|क्या|متى|أين|وين|كيف|كم|هل)(?:\W|\Z)",
    re.I,
)
# Going or coming somewhere is as often asked about as announced.
_ASKED = re.compile(r"\b(?:puedo|podemos|posso|possiamo|kann ich|können wir|je peux|peut-on|can i|may i|could i|можно)\b[^?]{0,40}\b(?:ir|pasar|entrar|venir|venire|passare|entrare|passar|kommen|come|visit|зайти|прийти|приехать|забрать|take|pick)\b[^?]{0,80}\?", re.I)  # fmt: skip
_FORM = re.compile(r"\w[\w ]{0,40}: [^;\n]{1,200}(?:; \w[\w ]{0,40}: [^;\n]{1,200}){1,30}\s*\Z")
_COURTEOUS = re.compile(
    r"\b(?:please|пожалуйста|per favore|por favor|bitte|s'il vous plaît|lütfen)\b|कृपया|من فضلك", re.I
)
_CANCELS = re.compile(
    r"\b(?:cancel(?:l?ing|led)?|changed? (?:my|our) mind|(?:don't|do not) (?:want|need) (?:it|them|that|this|one|the (?:order|booking))(?: any ?more)?|"
    r"never ?mind|no longer (?:want|need)|(?:take back|withdraw|forget) (?:my|our|the) (?:order|booking))\b"
    r"|\b(?:отмен(?:ите|ить|и|яю|яем|ен[аы]?|а)|передумал[аи]?|(?:больше|уже) не (?:надо|нуж\w+|хо\w+)|не буду (?:брать|покупать|заказывать)|"
    r"не (?:надо|нужно) (?:больше|уже)|снимите (?:мой |мою )?(?:заказ|бронь)|отказыва(?:юсь|емся))\b"
    r"|\b(?:болдырма\w*|бас тарт\w*|айныдым|керек емес|қажет емес|(?:тапсырысты|брондауды) (?:жой|тоқтат)\w*)\b"
    r"|\b(?:annull(?:a|are|i|ate|o|iamo)|disd(?:ico|ire|etta|iamo)|non (?:l[oaie]|ne) vogli\w+(?: più)?|ho cambiato idea|ci ho ripensato)\b"
    r"|\b(?:(?:cancel|anul)(?:ar|o|e|en|a|amos|emos) (?:mi|el|la|lo|los|las|por|nuestr\w+)|ya no (?:l[oa]s? )?(?:quiero|queremos)|cambi[eé] de (?:idea|opinión)|me arrepent\w+)\b"
    r"|\b(?:quer(?:o|ia|emos) cancelar|cancel(?:ar|o|a|e|em) (?:o|a|meu|minha|por)|não quer(?:o|emos) mais|mud(?:ei|amos) de ideia|desisti(?:mos)?)\b"
    r"|\b(?:stornier\w+|absagen|rückgängig|(?:doch )?nicht mehr (?:haben|nehmen|bestellen|kommen)|doch nicht|will\w* (?:sie|es|ihn|die|den|das) (?:doch )?nicht(?: mehr)?|"
    r"anders überlegt)\b"
    r"|\b(?:annul(?:er|ez|e|ons)|finalement non|je n'en (?:veux|voulons) plus|je ne (?:le|la|les) (?:veux|prends) (?:plus|pas)|chang(?:é|eons) d'avis)\b"
    r"|\b(?:iptal (?:et|ed|ist)\w*|vazgeç(?:ti|iyor)\w*|artık istemiyor\w*)\b"
    r"|रद्द|कैंसल|कैंसिल|अब नहीं चाहिए|नहीं चाहिए अब|(?:ألغ|الغ|إلغاء|الغاء)\w* ?(?:ال)?(?:طلب|حجز|موعد)|غيرت رأيي|لم أعد أريد",
    re.I,
)
_COMPLAINS = re.compile(
    r"\b(?:money back|refund|terrible|awful|disgusting|unacceptable|ridiculous|outrageous|worst|broke|broken|stopped working|(?:doesn't|does not|isn't|is not) work\w*|"
    r"damaged|defective|scam\w*|rip-?off|complain\w*|disappointed)\b"
    r"|\b(?:верните (?:мне |нам )?(?:деньги|мои)|жалоб\w*|жалуюсь|ужасн\w+|безобрази\w+|сломал\w*|не работает|бракован\w*|возмут\w+|обман\w*|мошенник\w*|кошмар|"
    r"отвратительн\w+|разочарован\w*)\b"
    r"|\b(?:ақшамды қайтар\w*|шағым\w*|сынып қал\w*|сынды|істемейді|масқара)\b"
    r"|\b(?:rimbors\w+|reclam[oi]\w*|vergogn\w+|rott[oaie]|non funziona\w*|difettos\w+|pessim\w+|truff\w+|inaccettabil\w+|i miei soldi|delus[oaie])\b"
    r"|\b(?:devu[eé]lva\w*|reembols\w+|quej\w+|reclam\w+|pésim\w+|vergüenza|rompió|descompuso|averi\w+|no funciona\w*|defectuos\w+|estaf\w+|inaceptable|mi dinero)\b"
    r"|\b(?:estorno|reclamaç\w+|péssim\w+|vergonha|quebrou|não funciona\w*|defeit\w+|golpe|inaceitável|meu dinheiro)\b"
    r"|\b(?:beschwer\w+|frechheit|unverschämt\w*|geld zurück|erstattung|kaputt|defekt|funktionier\w+ nicht|betrug|enttäuscht)\b"
    r"|\b(?:rembours\w+|plainte|réclamation|honteux|scandal\w+|inadmissible|panne|cassée?s?|ne (?:marche|fonctionne)\w* (?:pas|plus)|défectueu\w+|arnaque|mon argent|déçue?s?)\b"
    r"|\b(?:para(?:mı)? (?:geri|iade)|iade (?:istiyor|et)\w*|şikayet\w*|rezalet|berbat|bozuldu|bozuk|çalışmıyor|arızalı|dolandır\w*)\b"
    r"|पैसे वापस|शिकायत|टूट गय|ख़राब|खराब|काम नहीं कर|धोखा|घटिया|استرداد|نقودي|أموالي|شكوى|سيئ\w*|لا يعمل|تعطل\w*|مكسور\w*|احتيال|غير مقبول",
    re.I,
)
# What might be is no complaint yet, and what one may do is no cancellation.
_SUPPOSES = re.compile(
    r"\b(?:if|in case|если|вдруг|егер|falls|wenn|eğer|अगर)\b|\A\W*(?:se|si)\b|إذا|لو ", re.I
)
_NO = re.compile(r"\b(?:don't|do not|didn't|not|never|nothing|no|не|нет|ничего|nicht|nichts|kein\w*|non|niente|nada|não|ne|n'|pas)\b|नहीं|मत|(?:لا|لم|ليس)(?:\W|\Z)", re.I)  # fmt: skip
_NO_AFTER = re.compile(
    r"\A(?:stornier|absag)\w*(?: \w+){0,2} nicht\b|\Aiptal et(?:me(?!k\b)|mek istemi)|\Aбас тартпа|болдырмау",
    re.I,
)
# A request in the form of a question.
_PLEASE = re.compile(
    r"\b(?:can you|could you|would you|can we|можете|можно|можешь|може[тм]е|potete|può|puoi|puede[ns]?|podría[ns]?|pode[m]?|poderia[m]?|können sie|könnten sie|kannst du|"
    r"pouvez|pourriez|peux-tu|misin\w*|mısın\w*)\b|सकते|يمكنك|ممكن",
    re.I,
)
_CLAUSE = re.compile(r"[,;:()—–]")
_SENTENCE = re.compile(r"[^.!?\n؟।]+[.!?\n؟।]*")


def request_in(text: str) -> Request | None:
    """What the text asks of people, None for nothing: to take an order back, to put something right, or an
    order."""
    flat = re.sub(r"[^\S\n]+", " ", text[:LOOKED_AT].replace("’", "'"))
    rest = " ".join(
        part for part in _CLAUSE.split(flat) if not _CANCELS.search(part) and not _COMPLAINS.search(part)
    )
    if is_wish(rest):  # "the old one broke, I'll take a new one"
        return "order"
    for sentence in _SENTENCE.findall(flat):
        if _SUPPOSES.search(sentence) or _ASKS.search(sentence):
            continue
        if _says(_CANCELS, sentence) and (
            "?" not in sentence or _COURTEOUS.search(sentence) or _PLEASE.search(sentence)
        ):
            return "cancellation"
        if _says(_COMPLAINS, sentence) and not any(mark in sentence for mark in "?؟"):
            return "complaint"
    return "order" if is_wish(text) else None


def _says(what: re.Pattern[str], sentence: str) -> bool:
    """Whether a sentence says it without a no to it: within three words before, or right after."""
    for found in what.finditer(sentence):
        before = _CLAUSE.split(sentence[max(0, found.start() - NEAR) : found.start()])[-1].split()[-3:]
        after = _CLAUSE.split(sentence[found.end() : found.end() + NEAR])[0].split()[:3]
        if not _NO.search(" ".join(before)) and not _NO_AFTER.search(" ".join([found.group(), *after])):
            return True
    return False


def is_wish(text: str) -> bool:
    """Whether the text orders something, books it, or says that they are coming: a sentence of it does, and
    neither takes it back nor asks about it."""
    if text.startswith("[order]") or _FORM.match(
        text[:LOOKED_AT]
    ):  # a basket of the catalogue, a form filled in
        return True
    flat = re.sub(r"[^\S\n]+", " ", text[:LOOKED_AT].replace("’", "'"))
    return any(_wishes(sentence) for sentence in _SENTENCE.findall(flat))


def _wishes(sentence: str) -> bool:
    """What stands around a wish takes it back: up to three words before it, and the two after it, which are
    its object."""
    found = _WISHES.search(sentence)
    if not found or _ASKED.search(sentence):
        return False
    if _ASKS.search(sentence) and ("?" in sentence or not _COURTEOUS.search(sentence)):
        return False
    before = _CLAUSE.split(sentence[: found.start()])[-1].split()[-3:]
    after = _CLAUSE.split(sentence[found.end() :])[0].split()[:2]
    return not _CONTRARY.search(" ".join([*before, found.group(), *after]))
