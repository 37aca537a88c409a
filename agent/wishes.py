"""Whether somebody orders, books or announces a visit: what must not be lost while no model can act on it.

For the languages the agent speaks, by the words of a decision in the first person or of an instruction; a question about
ordering ("where is my order?") has none.
"""

from __future__ import annotations

import re

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
_WISHES = re.compile(
    "|".join(
        (
            rf"(?<!\bdo )(?<!\bwould )(?<!\bshould )\b(?:i|we)(?:'d| would)? (?:like|want|need|wish|am going|are going|plan)(?: to)? (?:\w+ ){{0,2}}?(?:{_DO['en']})\b",
            rf"\b(?:i'd|we'd|let me|let us|let's) (?:like to )?(?:{_DO['en']})\b",
            r"\b(?:i|we)(?:'ll| will|'m going to| am going to) (?:take|have|order|buy|book|come|visit|stop by|drop by|pick)\b",
            r"\b(?:i|we) (?:need|want|order|take) (?:\d+|one|two|three|four|five|ten|a dozen)\b",
            r"\b(?:please |can you |could you )(?:book|reserve|order|schedule|sign me|put me|send me \d|deliver \d|prepare)\b",
            r"\b(?:sign (?:me|us) up|put (?:me|us) down)\b|\b(?:can|could|may) (?:i|we) (?:get|have) (?:\d+|one|two|three)\b",
            r"(?<!\bto )\b(?:book|reserve) (?:me|us|a|an|one|two|\d+)\b|\border \d+\b",
            r"\A\W*\d{1,5} \w[^\n?]{0,60}\bplease\W*\Z",
            rf"\b(?:хочу|хочется|хотел\w* бы|хотим|можно|давайте|нужно|надо|готов\w*|решил\w*|желаю|планирую)\b[^.!?\n]{{0,40}}?\b(?:{_DO['ru']})\b",
            r"\b(?:закажите|запишите|забронируйте|оформите|оформляйте|оформляем|закажу|заказываю|беру|возьму|возьм[её]м|бер[её]м|куплю|покупаю|"
            r"приеду|приедем|подъеду|заеду|отложите|привезите|доставьте|забираю|заберу|зайду)\b",
            r"\b(?:хочу|нужно|надо|мне|нам)\s+\d+\s|\bзаказ\s+на\s+\d",
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
            r"\bich (?:nehme|bestelle|kaufe|buche|reserviere|komme)\b|\bwir (?:nehmen|bestellen|kaufen|buchen|kommen)\b|\b(?:reservieren|buchen|bestellen) sie\b|\bhätte gerne? \d+\b",
            rf"\b(?:je|nous|j'|on) ?(?:voudrais|veux|souhaite|souhaiterais|aimerais|voudrions|souhaitons|aimerions|peux|vais)\b[^.!?\n]{{0,30}}?\b(?:{_DO['fr']})\b",
            r"\b(?:réservez|je prends|je commande|j'achète|je réserve|je passerai|je viendrai|nous prenons|nous commandons)\b|\bje (?:veux|voudrais) \d+\b",
            r"\b(?:sipariş (?:ver|et|oluştur)\w*|satın al\w*|rezervasyon (?:yap|iste)\w*|randevu (?:al|iste|oluştur)\w*|ayırt\w*|ayırın|alıyorum|alacağım|alayım|"
            r"geleceğim|geleceğiz|uğrayacağım|almak isti\w*|ziyaret etmek|rezerve ed\w*)\b",
            r"(?:ऑर्डर|आर्डर|ऑर्डर्स) (?:कर|दे|देना|करना|करें|बुक)|ख़?रीदना|खरीदना|बुक (?:कर|कीजिए|करें|करना)|मंगवाना|मँगवाना|(?:आना|देखने आना|मिलने आना) चाहत|आ(?:ऊँगा|ऊंगा|ऊँगी|ऊंगी|एँगे|एंगे)|लेना चाहत|\d+\s+\S+(?:\s+\S+)? चाहिए",
            r"\b(?:order kar\w*|kharid\w*|book kar\w*|lena chaht\w*|mangwana)\b",
            rf"(?:أريد|اريد|أود|اود|نريد|نود|أرغب|ارغب|ممكن|أحتاج|احتاج)[^.!؟\n]{{0,30}}?(?:{_DO['ar']})",
            r"(?:احجز(?:وا)? لي|سآخذ|سأشتري|سأطلب|سأزور|سأحضر|سأمر)",
        )
    ),
    re.I,
)


def is_wish(text: str) -> bool:
    """Whether the text orders something, books it, or says that they are coming."""
    return bool(_WISHES.search(" ".join(text[:LOOKED_AT].replace("’", "'").split())))
