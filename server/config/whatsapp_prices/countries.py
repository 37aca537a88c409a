"""The country whose price a message has: that of the number it goes to, as Meta reads it.

Meta charges by the calling code of the recipient's number ("Pricing on the WhatsApp Business Platform"), so a
code that several countries share is one, but for +1 and +7, whose countries its list tells apart."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

# North America with the Caribbean; Russia with Kazakhstan.
_TOLD_APART = (1, 7)
_USER_ID = re.compile(r"([A-Z]{2})\.")


@lru_cache(maxsize=10_000)
def country_of_number(number: str, user_id: str = "") -> str:
    """ISO 3166-1 of a number in international digits, or of a business-scoped user id, which begins with it;
    empty where neither says."""
    if not number:
        found = _USER_ID.match(user_id)
        return found[1] if found else ""
    try:
        parsed = phonenumbers.parse(f"+{number.lstrip('+')}")
    except phonenumbers.NumberParseException:
        return ""
    code = parsed.country_code or 0
    shared = phonenumbers.region_code_for_country_code(code)
    own = phonenumbers.region_code_for_number(parsed) if code in _TOLD_APART else None
    country = own or shared
    return country if len(country) == 2 and country != "ZZ" else ""
