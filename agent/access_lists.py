"""Who is never answered, and who alone is: lists of numbers."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from agent.phone_numbers import canonical, phone_number, spellings, with_country_code
from agent.profile import region_of

# What the profile says once the polite line for non-clients was said, and of a class that a person decided.
TURNED_AWAY, SAID_BY_OPERATOR = "turned_away", "said by an operator"


def is_listed(patterns: list[str], identity: str) -> bool:
    """Whether a number or user id is on a list: in any spelling of the number, `*` stands for anything, and
    spaces, plus signs, hyphens and brackets do not matter. A number without a country code is one of the
    country of `identity`."""
    bare = identity.lstrip("+")
    return bool(bare) and any(_means(pattern, bare) for pattern in patterns)


def _means(pattern: str, bare: str) -> bool:
    if not _NUMBER.fullmatch(pattern):
        return fnmatch(bare, "".join(pattern.split()))
    wanted = re.sub(r"[^\d*?]", "", pattern)
    if any(fnmatch(way, wanted) for way in spellings(bare)):
        return True
    if wanted[-ALIKE:] != bare[-ALIKE:] or not wanted.isdigit():
        return False
    written = with_country_code(pattern), phone_number(pattern, region_of(bare)) or ""
    return canonical(bare) in map(canonical, written)


def is_ignored(answered: list[str], ignored: list[str], identity: str) -> bool:
    """Whether somebody is never answered: missing on the list of those who alone are (none: everybody is), or
    on that of those who are not."""
    return bool(answered and not is_listed(answered, identity)) or is_listed(ignored, identity)


# Last digits that all spellings of a number have in common; reading one takes a tenth of a millisecond, and
# lists may be long.
ALIKE = 6
# A phone number as people write it; other identities, such as those of groups, have signs of their own that
# count.
_NUMBER = re.compile(r"[\d\s()+*?.-]*\d[\d\s()+*?.-]*")
