"""The touches of a follow-up sequence: what each is for, and what it says without a model."""

from __future__ import annotations

from typing import Literal

Kind = Literal["reminder", "value", "social_proof", "last_chance", "farewell"]
KINDS: tuple[Kind, ...] = ("reminder", "value", "social_proof", "last_chance", "farewell")


def kind_of(touch: int, of: int) -> Kind:
    """What the touch of a number (from 1) is for in a sequence of so many: the last says farewell, and the
    one before it that the offer will not be repeated, where there are that many."""
    if touch >= of > 1:
        return "farewell"
    if touch == of - 1 and of > 3:
        return "last_chance"
    return KINDS[min(touch - 1, 2)]


# They promise nothing that a business would have to keep.
_TEXTS: dict[str, tuple[str, str, str, str, str]] = {
    "en": (
        "Hello{name}! You asked us about {business}. Is there still a question I can answer?",
        "Hello{name}! If you are still choosing, I can compare the options with you or send the details that matter to you. What would help most?",
        "Hello{name}! Customers often ask us the same things before they decide, and we are glad to tell what others chose and why. Shall I?",
        "Hello{name}! I do not want to be a bother: is your question still open? One word is enough, and I will go on or close it.",
        "Hello{name}! I will not write about this again. If you need anything from {business} later, just write here. All the best!",
    ),
    "ru": (
        "Здравствуйте{name}! Вы спрашивали нас ({business}). Остались вопросы, на которые я могу ответить?",
        "Здравствуйте{name}! Если вы ещё выбираете, могу сравнить варианты или прислать то, что для вас важно. Что было бы полезнее?",
        "Здравствуйте{name}! Перед решением покупатели часто спрашивают об одном и том же; с удовольствием расскажу, что выбирали другие и почему. Рассказать?",
        "Здравствуйте{name}! Не хочу надоедать: ваш вопрос ещё актуален? Достаточно одного слова, и я продолжу или закрою его.",
        "Здравствуйте{name}! Больше не буду писать об этом. Если понадобится что-то от {business}, просто напишите сюда. Всего доброго!",
    ),
    "kk": (
        "Сәлеметсіз бе{name}! Сіз бізден ({business}) сұраған едіңіз. Жауап бере алатын сұрағыңыз қалды ма?",
        "Сәлеметсіз бе{name}! Әлі таңдап жүрсеңіз, нұсқаларды салыстырып немесе сізге маңызды мәліметті жібере аламын. Қайсысы пайдалырақ?",
        "Сәлеметсіз бе{name}! Шешім қабылдар алдында сатып алушылар жиі бір нәрсені сұрайды; басқалар нені және неге таңдағанын айтып берейін бе?",
        "Сәлеметсіз бе{name}! Мазалағым келмейді: сұрағыңыз әлі өзекті ме? Бір сөз жеткілікті, жалғастырамын немесе жабамын.",
        "Сәлеметсіз бе{name}! Бұл туралы бұдан былай жазбаймын. {business} керек болса, осында жаза салыңыз. Сау болыңыз!",
    ),
    "it": (
        "Buongiorno{name}! Ci aveva scritto a proposito di {business}. È rimasta qualche domanda a cui posso rispondere?",
        "Buongiorno{name}! Se sta ancora scegliendo, posso confrontare le opzioni o mandarle i dettagli che le servono. Cosa le sarebbe più utile?",
        "Buongiorno{name}! Prima di decidere molti clienti ci chiedono le stesse cose; le racconto volentieri cosa hanno scelto altri e perché. Vuole?",
        "Buongiorno{name}! Non vorrei disturbare: la sua domanda è ancora aperta? Basta una parola, e proseguo o la chiudo.",
        "Buongiorno{name}! Non le scriverò più di questo. Se in futuro le serve qualcosa da {business}, scriva pure qui. Un caro saluto!",
    ),
    "es": (
        "¡Hola{name}! Nos preguntó por {business}. ¿Le queda alguna duda que pueda resolver?",
        "¡Hola{name}! Si todavía está eligiendo, puedo comparar las opciones o enviarle los detalles que le importan. ¿Qué le ayudaría más?",
        "¡Hola{name}! Antes de decidir muchos clientes nos preguntan lo mismo; con gusto le cuento qué eligieron otros y por qué. ¿Le cuento?",
        "¡Hola{name}! No quiero molestar: ¿sigue pendiente su consulta? Basta una palabra y sigo o la cierro.",
        "¡Hola{name}! No volveré a escribirle sobre esto. Si más adelante necesita algo de {business}, escriba aquí. ¡Un saludo!",
    ),
    "pt": (
        "Olá{name}! Você nos perguntou sobre {business}. Ficou alguma dúvida que eu possa responder?",
        "Olá{name}! Se ainda está escolhendo, posso comparar as opções ou enviar os detalhes que importam para você. O que ajudaria mais?",
        "Olá{name}! Antes de decidir, muitos clientes perguntam a mesma coisa; conto com prazer o que outros escolheram e por quê. Quer saber?",
        "Olá{name}! Não quero incomodar: sua dúvida continua em aberto? Basta uma palavra e eu continuo ou encerro.",
        "Olá{name}! Não vou mais escrever sobre isto. Se precisar de algo de {business} depois, é só escrever aqui. Tudo de bom!",
    ),
    "de": (
        "Guten Tag{name}! Sie hatten uns zu {business} geschrieben. Ist noch eine Frage offen, die ich beantworten kann?",
        "Guten Tag{name}! Falls Sie noch überlegen, vergleiche ich gern die Möglichkeiten oder schicke, was Ihnen wichtig ist. Was würde am meisten helfen?",
        "Guten Tag{name}! Vor der Entscheidung fragen viele Kunden dasselbe; ich erzähle gern, was andere gewählt haben und warum. Möchten Sie das?",
        "Guten Tag{name}! Ich möchte nicht stören: Ist Ihre Frage noch offen? Ein Wort genügt, dann mache ich weiter oder schließe sie.",
        "Guten Tag{name}! Ich schreibe dazu nicht mehr. Wenn Sie später etwas von {business} brauchen, schreiben Sie einfach hier. Alles Gute!",
    ),
    "fr": (
        "Bonjour{name} ! Vous nous aviez écrit au sujet de {business}. Reste-t-il une question à laquelle je peux répondre ?",
        "Bonjour{name} ! Si vous hésitez encore, je peux comparer les options ou envoyer les détails qui comptent pour vous. Qu'est-ce qui aiderait le plus ?",
        "Bonjour{name} ! Avant de décider, beaucoup de clients posent les mêmes questions ; je vous dis volontiers ce que d'autres ont choisi et pourquoi. Je vous raconte ?",
        "Bonjour{name} ! Je ne veux pas vous déranger : votre question est-elle encore d'actualité ? Un mot suffit, et je continue ou je la ferme.",
        "Bonjour{name} ! Je ne vous écrirai plus à ce sujet. Si vous avez besoin de {business} plus tard, écrivez ici. Bonne continuation !",
    ),
    "tr": (
        "Merhaba{name}! Bize {business} hakkında yazmıştınız. Cevaplayabileceğim bir sorunuz kaldı mı?",
        "Merhaba{name}! Hâlâ seçiyorsanız seçenekleri karşılaştırabilir ya da sizin için önemli bilgileri gönderebilirim. Hangisi daha çok işinize yarar?",
        "Merhaba{name}! Karar vermeden önce müşterilerimiz çoğu zaman aynı şeyleri sorar; başkalarının neyi neden seçtiğini anlatayım mı?",
        "Merhaba{name}! Rahatsız etmek istemem: sorunuz hâlâ geçerli mi? Tek kelime yeter, devam ederim ya da kapatırım.",
        "Merhaba{name}! Bu konuda bir daha yazmayacağım. İleride {business} için bir şeye ihtiyacınız olursa buraya yazmanız yeterli. Hoşça kalın!",
    ),
    "hi": (
        "नमस्ते{name}! आपने हमसे {business} के बारे में पूछा था। क्या कोई सवाल बाकी है जिसका जवाब मैं दे सकूँ?",
        "नमस्ते{name}! अगर आप अभी चुन रहे हैं, तो मैं विकल्पों की तुलना कर सकता हूँ या ज़रूरी जानकारी भेज सकता हूँ। क्या ज़्यादा काम आएगा?",
        "नमस्ते{name}! फ़ैसले से पहले ग्राहक अक्सर एक जैसी बातें पूछते हैं; बताऊँ कि दूसरों ने क्या और क्यों चुना?",
        "नमस्ते{name}! परेशान नहीं करना चाहता: क्या आपका सवाल अभी बाकी है? एक शब्द काफ़ी है, मैं आगे बढ़ूँगा या बंद कर दूँगा।",
        "नमस्ते{name}! इस बारे में फिर नहीं लिखूँगा। बाद में {business} से कुछ चाहिए तो यहीं लिख दें। शुभकामनाएँ!",
    ),
    "ar": (
        "مرحبًا{name}! سألتنا عن {business}. هل بقي سؤال أستطيع الإجابة عنه؟",
        "مرحبًا{name}! إن كنت ما زلت تختار، أستطيع مقارنة الخيارات أو إرسال التفاصيل التي تهمك. ما الأنفع لك؟",
        "مرحبًا{name}! قبل القرار يسأل العملاء كثيرًا عن الأمور نفسها؛ يسعدني أن أخبرك بما اختاره غيرك ولماذا. هل تريد؟",
        "مرحبًا{name}! لا أريد الإزعاج: هل ما زال سؤالك قائمًا؟ كلمة واحدة تكفي، فأتابع أو أغلقه.",
        "مرحبًا{name}! لن أكتب عن هذا مرة أخرى. إن احتجت لاحقًا شيئًا من {business} فاكتب هنا. أطيب التمنيات!",
    ),
}


def template(kind: Kind, language: str, business: str, name: str = "") -> str:
    """A touch in the contact's language, English where there is none of it."""
    text = _TEXTS.get(language, _TEXTS["en"])[KINDS.index(kind)]
    comma = "، " if language == "ar" else ", "
    return text.format(business=business, name=f"{comma}{name}" if name else "")
