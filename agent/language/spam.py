"""Advertising, prizes and pitches, told by signs in the text. One sign is nothing: customers, too, ask about
prizes."""

from __future__ import annotations

import re

# Every pattern takes time in proportion to the text, whatever the text: endings that something must follow
# have at most 20 letters, and a run of capitals is read from its first letter only. So many different signs
# are no customer.
ENOUGH = 2

_SIGNS = [
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:you(?:'ve| have|'re| are)?|u|ur) (?:have )?(?:won|been (?:selected|chosen|awarded)|awarded|a (?:\S+ )?winner|entitled)|\bwinner\b|\bcongrat\w*|\bprize\b|jackpot|lottery|guaranteed|вы выиграли|поздравля\w+|приз\b|розыгрыш|hai vinto|premio|has ganado|ganador|você ganhou|gewonnen|gagné|kazandınız|बधाई|जीता",
        r"\bto claim\b|\bclaim (?:your|ur|it|now|code|no)|await(?:s|ing)? (?:your )?collection|urgent!|final (?:attempt|notice)|last chance|act now|limited time|don't miss|только сегодня|последний шанс|успейте",
        r"\b(?:txt|text|send|reply) (?:\w+ )?\w+ (?:to|2) (?:no:?\s*)?\d{4,6}\b|\bt[&']?s?\s?(?:and|&|n)\s?c'?s?\b|\btncs?\b|po ?box|\bstop to \d|to (?:opt.?out|unsubscribe|stop|cancel)\b.{0,25}\b(?:stop|txt|text|reply)\b|2 ?stop|txt stop",
        r"\b(?:call|ring|dial|text|txt)\b.{0,25}\b0[89]\d{6,10}\b|\b\d{2,3}p?(?:/| per | ?p)?(?:min|msg|txt|wk|week|p?pm)\b|£\s?\d[.\d]*\s?(?:/|per |a )?\s?(?:msg|min|wk|week|p?pm)|\bppm\b|150p|\bper msg\b",
        r"\bfree (?:entry|ringtone|tone|membership|msg|message|minutes|mins|phone|gift|trial|quote|audit|consultation|texts?)|\bfree!|\bfreemsg|ringtone|polyphonic|\bmobile? (?:content|club)|camcorder|videophone|nokia tone|weekly (?:draw|comp)|gift voucher|half price line",
        r"\b(?:sexy?|adult|dating|horny|xxx|hot (?:girls|singles)|live chat|chat ?line|date service|secret admirer|flirt)\b|someone (?:you know|who knows you) (?:has )?|who fancies|знакомств\w*|интим",
        r"\b(?:seo|backlinks?|guest post|link building|lead generation|web ?(?:site)? (?:design|development|redesign)|grow your (?:business|followers|sales)|more (?:clients|traffic|followers)|rank (?:higher|first) (?:on|in) google|google ranking|marketing agency|outsourc\w+)\b|продвижени\w{1,20} (?:сайт\w*|бизнес\w*|ваш\w*)|раскрут\w+|накрутк\w+|\bлид(?:ы|ов|огенерац\w+)|posizionamento (?:seo|google)|posicionamiento web",
        r"\bwe (?:are|offer|provide|supply|manufacture|specialize)\b.{0,80}\b(?:supplier|manufacturer|factory|wholesale|agency|services|solutions|price list|catalogue)\b|our (?:company|agency|factory) (?:offers|provides|can|is)|мы (?:предлагаем|поставщик|производител\w+|оказываем)|предлага(?:ем|ю) (?:вам |вашей )?(?:сотруднич|услуг)|(?:siamo|somos) (?:un[ao]? )?(?:fornitor\w+|proveedor\w*|agenzia|agencia|fabricant\w+)|offriamo (?:servizi|ai)|ofrecemos (?:servicios|a su)|fornecedor\w*",
        r"\b(?:(?:looking for|need|want|apply for) (?:a |any |the )?(?:job|work|position)|any (?:jobs?|vacanc\w+)|job (?:offer|opening|application)|vacanc\w+|my (?:resume|cv)|are you hiring)\b|ищу работу|ваканси\w+|резюме|cerco lavoro|curriculum|busco (?:trabajo|empleo)|vagas? de emprego",
        r"\b(?:crypto\w*|bitcoin|btc|forex|trading signals|invest(?:ment)? (?:plan|platform|opportunit\w+)|passive income|earn (?:money|\$|£|€|up to)|work from home|loan(?:s)? (?:offer|approved|available)|casino|betting)\b|заработ\w{1,20} (?:в интернете|на дому|от)|пассивн\w{1,20} доход|инвестици\w{1,20} от|казино|ставк\w{1,20} на спорт|guadagna|gana dinero|ganhe dinheiro",
        r"https?://|www\.\w|\.co\.uk\b|bit\.ly|t\.me/",
        r"(?-i:(?<![A-Z])[A-Z]{4,}+(?:\W++[A-Z]{3,}+){2})|!!|£\s?\d{3}|\b\d+p\b",
    )
]


def is_spam(text: str) -> bool:
    """Advertises, promises a prize, or pitches a service."""
    return sum(bool(sign.search(text)) for sign in _SIGNS) >= ENOUGH
