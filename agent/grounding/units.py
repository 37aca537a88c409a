"""The words that give a number its meaning, in the languages we speak: currencies, percent, time, measures,
counts."""

from __future__ import annotations

from functools import lru_cache

import regex as re

# Canonical currency -> how people write it. A `$` or a `peso` is one of several: see `CURRENCIES_LIKE`.
_CURRENCIES = {
    "KZT": r"₸|тг\b\.?|тенге|теңге\w*|kzt|tenge|tg\b",
    "RUB": r"₽|руб\w*\.?|р\.|rub\b|roubles?|rubles?|рубл\w+|rubli|rublos",
    "USD": r"us\$|usd|dollars?|доллар\w*|долл\.?|dollari|dólares|डॉलर|dollaro",
    "$": r"\$",
    "EUR": r"€|eur\b|euros?\b|евро|еуро|यूरो",
    "GBP": r"£|gbp|pounds?\b|фунт\w*|sterlin\w*|libras",
    "INR": r"₹|rs\.?(?=\W|\d|$)|inr|rupees?|rupaye|rupay|рупи\w+|रुपय\w*|रुपए|रुपये|रु\.?|rupie",
    "AED": r"aed|dhs?\b|dirhams?|дирхам\w*|दिरहम",
    "PEN": r"s/\.?|(?-i:PEN)\b|soles",
    "PESO": r"pesos?\b|песо",
    "COP": r"cop\b",
    "ARS": r"ars\b",
    "MXN": r"mxn|mx\$",
    "CLP": r"clp\b",
    "BRL": r"r\$|brl|reais|real\b",
    "TRY": r"₺|(?-i:TRY)\b|tl\b|lira\w*",
    "UAH": r"₴|uah|грн\.?|гривен\w*|гривн\w*",
    "CHF": r"chf|franken|franchi",
    "CNY": r"¥|cny|yuan|юан\w+",
    "KGS": r"сом\b|kgs",
    "UZS": r"сум\b|uzs|so'm",
}
CURRENCIES_LIKE = {
    "$": {"USD", "COP", "ARS", "MXN", "CLP", "PESO"},
    "PESO": {"COP", "ARS", "MXN", "CLP", "$"},
}
PERCENT = r"%|٪|percent|per cent|процент\w*|пайыз\w*|per cento|percento|por ciento|por cento|prozent|pour cent|yüzde|प्रतिशत|फ़ीसदी|फीसदी|pratishat"

# (canonical unit, factor): years count as months, weeks as days.
_DURATIONS = {
    ("minute", 1): r"min\b\.?|mins\b|minutes?|минут\w*|мин\b\.?|minut\w+|मिनट",
    ("hour", 1): r"hours?|hrs?\b|h\b|часов|часа|часу|час\b|ч\b\.?|сағат\w*|or[ae]\b|horas?|stunden?|heures?|saat\w*|घंट\w+|घण्ट\w+|ghant\w+",
    ("day", 1): r"(?:(?:business|working|calendar|full)\s)?days?|(?:рабочи\w+\s|календарны\w+\s|банковски\w+\s)?(?:дн(?:ей|я|ям|ями|ях)|день|сут(?:ки|ок))|"
    r"(?:жұмыс\s)?күн\w*|тәулік\w*|тәуліг\w*|notti?|notte|noches?|nights?|ноч(?:ь|и|ей)|түн\w*|रात\w*|giorn[oi](?:\slavorativ[io])?|días?|dias?|tage?n?|jours?|gün\w*|(?:कार्य\s?|कामकाजी\s)?(?:दिन|दिवस)\w*|din\b",
    ("day", 7): r"weeks?|недел\w+|апта\w*|settiman\w+|semanas?|wochen?|semaines?|hafta\w*|हफ़्त\w+|हफ्त\w+|सप्ताह|hafte",
    ("month", 1): r"months?|месяц\w*|мес\b\.?|айға|айлық|айда|ай\b|mes[ie]\b|meses|mês|monate?n?|mois|ay\b|महीन\w+|माह|mahin\w+",
    ("month", 12): r"years?|yrs?\b|год(?:а|у|ом|ы)?\b|лет\b|жыл\w*|жас\w*|ann[oi]\b|años?|anos?|jahre?n?|ans?\b|yıl\w*|साल|वर्ष|saal",
}  # fmt: skip

_MEASURES = {
    "kg": r"kgs?\b|кг|kilos?\b|chili|किलो\w*",
    "g": r"gr?\b|grams?|г\b\.?|гр\b\.?|грамм\w*|grammi|gramos|ग्राम",
    "l": r"l\b|lt\b|litres?|liters?|л\b\.?|литр\w*|litri|litros?|लीटर",
    "ml": r"ml\b|мл",
    "km": r"kms?\b|км|kilomet\w+|chilometri|किमी|किलोमीटर",
    "m2": r"m²|м²|m2\b|м2\b|sqm|кв\.?\s?м",
    "cm": r"cms?\b|см\b|centimet\w+|centímetros|सेमी",
    "mm": r"mm\b|мм",
    "m": r"m\b|м\b|met(?:er|re)s?|метр\w*|metri\b|metros?|मीटर",
    "w": r"w\b|watts?|вт\b|ватт",
    "kw": r"kw\b|квт",
    "kwh": r"kwh\b|квт[·⋅*]?ч",
    "bar": r"bars?\b|бар\b|बार\b",
    "v": r"volts?|в\b(?=\W*$)",
    "ah": r"ah\b",
    "mah": r"mah\b|мач",
    "wh": r"wh\b",
    "gb": r"gb\b|гб|tb\b",
    "inch": r"inch(?:es)?|″|\"|дюйм\w*|pollici|pulgadas|इंच",
    "c": r"°\s?c|℃|градус\w*",
    "hp": r"hp\b|л\.\s?с\.",
    "kmh": r"km/h|км/ч",
}
# Canonical measures in terms of a base, so that 1.8 kg is 1800 g.
BASES = {
    "kg": ("g", 1000.0),
    "l": ("ml", 1000.0),
    "km": ("mm", 1e6),
    "m": ("mm", 1000.0),
    "cm": ("mm", 10.0),
    "kw": ("w", 1000.0),
}
_PIECE = r"pcs\b|pieces?|units?|items?|in stock|шт\b\.?|штук\w*|единиц\w*|дана|pezz[oi]|unità|unidades|unidad|disponibil\w*|disponibles|en stock|stück|nos\b|नग|पीस"

# Multipliers right after a number.
_MULTIPLIERS = {
    1_000: r"тыс\b\.?|тысяч\w*|т\.\s?р\.|т\.(?=\s?(?:тг|₸|₽|руб))|[kк](?![\w])|мың\w*|mila\b|mil\b|thousand|tausend|mille\b|bin\b|हज़ार|हजार|hazaa?r",
    100_000: r"lakhs?|lacs?\b|लाख",
    1_000_000: r"млн\b\.?|миллион\w*|million\w*|milion[ei]|millon\w*|millón|mln\b|m\b(?=\s?(?:€|\$|£))|मिलियन",
    10_000_000: r"crores?|करोड़",
    1_000_000_000: r"млрд\b\.?|миллиард\w*|billion\w*",
}


def _any(parts: list[str]) -> str:
    return "|".join(f"(?:{part})" for part in parts)


# A word must end where its unit ends; a sign need not.
_END = r"(?:(?<=\W)|(?!\w))"
CURRENCY = re.compile(f"(?:{_any(list(_CURRENCIES.values()))}){_END}", re.I)
_CURRENCY_BY = [(re.compile(pattern, re.I), code) for code, pattern in _CURRENCIES.items()]
PERCENTAGE = re.compile(PERCENT, re.I)
MULTIPLIER = [(re.compile(pattern, re.I), factor) for factor, pattern in _MULTIPLIERS.items()]
DURATION = [(re.compile(pattern + r"(?!\w)", re.I), unit) for unit, pattern in _DURATIONS.items()]
MEASURE = [(re.compile(rf"(?:{pattern})(?!\w)", re.I), unit) for unit, pattern in _MEASURES.items()]
PIECE = re.compile(rf"(?:{_PIECE})(?!\w)", re.I)
# Any of these: what stands behind most numbers need not be held against each.
UNIT = re.compile(
    _any(
        [
            p.pattern
            for p in (PERCENTAGE, CURRENCY, PIECE, *(p for p, _ in DURATION), *(p for p, _ in MEASURE))
        ]
    ),
    re.I,
)


@lru_cache(maxsize=4096)
def currency_of(word: str) -> str:
    """The canonical currency a word or sign stands for."""
    return next((code for pattern, code in _CURRENCY_BY if pattern.fullmatch(word)), "")


def same_currency(one: str, other: str) -> bool:
    """Whether two canonical currencies may be the same; none at all may be any."""
    return (
        not one
        or not other
        or one == other
        or other in CURRENCIES_LIKE.get(one, ())
        or one in CURRENCIES_LIKE.get(other, ())
    )


def _numbered(words: str, first: int = 1) -> dict[str, int]:
    return {
        word: number
        for number, group in enumerate(words.split(), first)
        for word in group.split("/")
        if word != "-"
    }


# Words for numbers; they count only before a unit, so that "one question" is no claim.
WORDS: dict[str, float] = {
    **_numbered(
        "one/a/an two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
    ),
    **_numbered(
        "один/одного/одну/одна/одним два/две/двух/двумя три/трёх/трех четыре/четырёх/четырех пять/пяти шесть/шести семь/семи восемь/восьми девять/девяти "
        "десять/десяти одиннадцать/одиннадцати двенадцать/двенадцати тринадцать четырнадцать/четырнадцати пятнадцать/пятнадцати шестнадцать семнадцать восемнадцать девятнадцать двадцать/двадцати"
    ),
    **_numbered("бір екі үш төрт бес алты жеті сегіз тоғыз он"),
    **_numbered(
        "un/uno/una/un' due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove venti"
    ),
    **_numbered(
        "un/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve veinte"
    ),
    **_numbered("um/uma dois/duas três quatro cinco seis sete oito nove dez onze doze - - quinze - - - - vinte"),
    **_numbered("ein/eine/einen/einem/eines zwei drei vier fünf sechs sieben acht neun zehn elf zwölf"),
    **_numbered("un/une deux trois quatre cinq six sept huit neuf dix onze douze"),
    **_numbered("एक दो तीन चार पाँच/पांच छह/छः सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह/पन्द्रह सोलह सत्रह अठारह उन्नीस बीस"),
    **_numbered("ek do teen/tin char/chaar paanch/panch chhe/cheh saat aath nau das"),
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100,
    "тридцать": 30, "тридцати": 30, "сорок": 40, "пятьдесят": 50, "пятидесяти": 50, "шестьдесят": 60, "семьдесят": 70, "восемьдесят": 80, "девяносто": 90, "сто": 100,
    "жиырма": 20, "отыз": 30, "қырық": 40, "елу": 50, "алпыс": 60, "жетпіс": 70, "сексен": 80, "тоқсан": 90, "жүз": 100,
    "trenta": 30, "quaranta": 40, "cinquanta": 50, "sessanta": 60, "settanta": 70, "ottanta": 80, "novanta": 90, "cento": 100,
    "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90, "cien": 100,
    "पच्चीस": 25, "तीस": 30, "चालीस": 40, "पचास": 50, "सौ": 100, "डेढ़": 1.5, "ढाई": 2.5, "bees": 20, "pachaas": 50,
    "двое": 2, "вдвоём": 2, "оба": 2, "обе": 2, "обоих": 2, "трое": 3, "both": 2, "couple": 2, "екеуі": 2, "екеуін": 2, "үшеуі": 3, "entrambi": 2, "entrambe": 2, "ambos": 2, "ambas": 2, "दोनों": 2, "तीनों": 3, "dono": 2,
    "полтора": 1.5, "полторы": 1.5, "полгода": 6,
}  # fmt: skip
# 15 in Kazakh is two words.
TENS = {"он": 10, "жиырма": 20, "отыз": 30, "қырық": 40, "елу": 50, "twenty": 20, "thirty": 30, "двадцать": 20, "тридцать": 30}  # fmt: skip

_MONTHS = (
    "january|jan|январ\\w*|янв|қаңтар\\w*|gennaio|enero|janeiro|januar|janvier|ocak|जनवरी",
    "february|feb|феврал\\w*|фев|ақпан\\w*|febbraio|febrero|fevereiro|februar|février|şubat|फ़रवरी|फरवरी",
    "march|mar|март\\w*|наурыз\\w*|marzo|março|märz|mars|mart|मार्च",
    "april|apr|апрел\\w*|апр|сәуір\\w*|aprile|abril|avril|nisan|अप्रैल",
    "may|ма[йя]|мамыр\\w*|maggio|mayo|maio|mai|mayıs|मई",
    "june|jun|июн\\w*|маусым\\w*|giugno|junio|junho|juni|juin|haziran|जून",
    "july|jul|июл\\w*|шілде\\w*|luglio|julio|julho|juli|juillet|temmuz|जुलाई",
    "august|aug|август\\w*|авг|тамыз\\w*|agosto|août|ağustos|अगस्त",
    "september|sept?|сентябр\\w*|сен|қыркүйек\\w*|қыркүйег\\w*|settembre|septiembre|setembro|septembre|eylül|सितंबर|सितम्बर",
    "october|oct|октябр\\w*|окт|қазан\\w*|ottobre|octubre|outubro|oktober|octobre|ekim|अक्टूबर",
    "november|nov|ноябр\\w*|ноя|қараша\\w*|novembre|noviembre|novembro|kasım|नवंबर|नवम्बर",
    "december|dec|декабр\\w*|дек|желтоқсан\\w*|dicembre|diciembre|dezembro|dezember|décembre|aralık|दिसंबर|दिसम्बर",
)
MONTH = "|".join(f"(?P<m{number}>{words})" for number, words in enumerate(_MONTHS, 1))
MONTH_WORD = "|".join(_MONTHS)
_MONTH_BY = [(re.compile(words, re.I), number) for number, words in enumerate(_MONTHS, 1)]


def month_of(word: str) -> int:
    """1 to 12, 0 when it is no month."""
    return next((number for pattern, number in _MONTH_BY if pattern.fullmatch(word)), 0)


_WEEKDAYS = (
    "mondays?|mon|понедельник\\w*|пн|дүйсенбі\\w*|дс|lunedì|lun|lunes|segunda(?:-feira)?|montags?|lundi|pazartesi|सोमवार|somvaar",
    "tuesdays?|tue|вторник\\w*|вт|сейсенбі\\w*|сс|martedì|martes|terça(?:-feira)?|dienstags?|mardi|salı|मंगलवार",
    "wednesdays?|wed|сред[аыуе]|ср|сәрсенбі\\w*|ср|mercoledì|mer|miércoles|quarta(?:-feira)?|mittwochs?|mercredi|çarşamba|बुधवार",
    "thursdays?|thu|четверг\\w*|чт|бейсенбі\\w*|бс|giovedì|gio|jueves|quinta(?:-feira)?|donnerstags?|jeudi|perşembe|गुरुवार|बृहस्पतिवार",
    "fridays?|fri|пятниц\\w*|пт|жұма\\w*|жм|venerdì|ven|viernes|sexta(?:-feira)?|freitags?|vendredi|cuma|शुक्रवार",
    "saturdays?|sat|суббот\\w*|сб|сенбі\\w*|сб|sabato|sab|sábados?|samstags?|samedi|cumartesi|शनिवार",
    "sundays?|sun|воскресень\\w*|воскресный|вс|жексенбі\\w*|жс|domenic\\w+|dom|domingos?|sonntags?|dimanche|pazar|रविवार|इतवार",
)
WEEKDAY = re.compile(rf"(?<!\w)(?:{'|'.join(_WEEKDAYS)})(?!\w)", re.I)
_WEEKDAY_BY = [(re.compile(words, re.I), number) for number, words in enumerate(_WEEKDAYS)]


def weekday_of(word: str) -> int:
    """0 (Monday) to 6."""
    return next((number for pattern, number in _WEEKDAY_BY if pattern.fullmatch(word)), -1)


# What shops give for nothing, in the languages we speak, so that a free return in one supports no free
# delivery in another.
THINGS = {
    thing: re.compile(words, re.I)
    for thing, words in {
        "delivery": r"deliver|shipp|достав|жеткіз|consegn|spedizion|env[ií]o|entreg|domicilio|डिलीवर|livraison|liefer|versand|teslimat|kargo",
        "return": r"\breturns?\b|exchange|возврат|обмен|қайтар|\bresi\b|\breso\b|devoluci|cambio|वापसी|रिटर्न|rückgabe|retour|iade",
        "cancel": r"cancel|отмен|disdett|annull|cancell|storn|болдырма|रद्द|iptal",
        "installation": r"install|установк|монтаж|орнат|instala|इंस्टॉल|montage|kurulum",
        "assembly": r"assembl|сборк|құрастыр|montagg|montaje|असेंबल",
        "consultation": r"consult|consulen|консультац|кеңес|परामर्श|सलाह|beratung|danışman",
        "diagnosis": r"diagnos|диагност|осмотр|inspection|check-?up|тексеру|जाँच|preventiv|estimate|оценк|замер|өлшеу|medici[óo]n|measur|misuraz",
        "trial": r"trial|пробн|сынақ|(?:di )?prova|prueba|ट्रायल|डेमो|demo|probe",
        "parking": r"parking|парков|тұрақ|parchegg|aparcamient|estacionam|पार्किंग",
        "transfer": r"transfer|трансфер|traslado|ट्रांसफर",
        "driver": r"driver|водител|жүргізуші|autista|conductor|ड्राइवर",
        "seat": r"child seat|car seat|кресл|орындық|seggiolin|silla",
        "luggage": r"luggage|baggage|bags|багаж|чемодан|bagagl|valigi|maleta|equipaje|सामान",
        "wifi": r"wi-?fi|वाईफ",
        "gift": r"gift|wrapp|подар|упаков|сыйлық|орау|regalo|confezion|tarjeta|card|открытк|गिफ्ट|कार्ड",
        "replacement": r"loan|подмен|sostitutiv|replacement",
        "pickup": r"pick-?up|collect|самовывоз|забор|забер|ritiro|recogid|recoger|पिकअप",
        "fitting": r"fitting|alteration|примерк|балансир|мontaggio gomme|equilibr|bilanciatur|шиномонтаж",
        "lesson": r"lesson|class\b|занят|урок|сабақ|lezion|clase|क्लास",
        "breakfast": r"breakfast|завтрак|таңғы ас|colazione|desayuno|नाश्ता",
        "skin": r"skin|кож|тері|pelle|piel|त्वचा",
    }.items()
}

# Words of what is in store: a count beside them is a promise.
_STOCKED = re.compile(
    r"stock|left|available|remain|остал|налич|склад|қалды|қойма|бар\b|disponib|quedan|queda|rimast|rest\w+|स्टॉक|बचे|बाकी|उपलब्ध",
    re.I,
)


@lru_cache(maxsize=1024)
def in_store(sentence: str) -> bool:
    """Whether a sentence speaks of what is in store."""
    return bool(_STOCKED.search(sentence))


@lru_cache(maxsize=1024)
def things_in(sentence: str) -> frozenset[str]:
    """What of the things that shops give for nothing a sentence names."""
    return frozenset(thing for thing, pattern in THINGS.items() if pattern.search(sentence))
