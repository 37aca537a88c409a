"""What a contact reads about a scheduled call, in their language; `when` is by the business's clock."""

from __future__ import annotations

_CONFIRMED = {
    "en": "Your call is booked for {when}. Write here to move or cancel it.",
    "ru": "Звонок назначен на {when}. Чтобы перенести или отменить, напишите сюда.",
    "kk": "Қоңырау {when} уақытына белгіленді. Ауыстыру не болдырмау үшін осында жазыңыз.",
    "it": "La chiamata è fissata per {when}. Per spostarla o annullarla scriva qui.",
    "es": "La llamada queda para {when}. Para cambiarla o anularla escriba aquí.",
    "pt": "A ligação está marcada para {when}. Para mudar ou cancelar, escreva aqui.",
    "de": "Der Anruf ist für {when} vereinbart. Zum Verschieben oder Absagen schreiben Sie hier.",
    "fr": "L'appel est prévu le {when}. Pour le déplacer ou l'annuler, écrivez ici.",
    "tr": "Görüşme {when} için ayarlandı. Değiştirmek ya da iptal için buraya yazın.",
    "hi": "कॉल {when} के लिए तय है। बदलने या रद्द करने के लिए यहाँ लिखें।",
    "ar": "تم تحديد المكالمة في {when}. للتغيير أو الإلغاء اكتب هنا.",
}
_REMINDER = {
    "en": "A reminder: we call you at {when}. Write here if it does not suit you any more.",
    "ru": "Напоминаем: мы позвоним вам {when}. Если уже неудобно, напишите сюда.",
    "kk": "Еске саламыз: сізге {when} қоңырау шаламыз. Ыңғайсыз болса, осында жазыңыз.",
    "it": "Promemoria: la chiameremo il {when}. Se non va più bene, scriva qui.",
    "es": "Recordatorio: le llamaremos el {when}. Si ya no le viene bien, escriba aquí.",
    "pt": "Lembrete: ligaremos para você em {when}. Se não der mais, escreva aqui.",
    "de": "Zur Erinnerung: Wir rufen Sie am {when} an. Falls es nicht mehr passt, schreiben Sie hier.",
    "fr": "Rappel : nous vous appellerons le {when}. Si cela ne convient plus, écrivez ici.",
    "tr": "Hatırlatma: sizi {when} arayacağız. Artık uygun değilse buraya yazın.",
    "hi": "याद दिला दें: हम आपको {when} पर कॉल करेंगे। सुविधाजनक न हो तो यहाँ लिखें।",
    "ar": "تذكير: سنتصل بك في {when}. إن لم يعد مناسبًا فاكتب هنا.",
}


def confirmed(language: str, when: str) -> str:
    """The call is booked."""
    return _CONFIRMED.get(language, _CONFIRMED["en"]).format(when=when)


def reminder(language: str, when: str) -> str:
    """The call is near."""
    return _REMINDER.get(language, _REMINDER["en"]).format(when=when)
