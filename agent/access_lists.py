"""Who is never answered, and who alone is: lists of numbers."""

from __future__ import annotations

import re
from fnmatch import fnmatch

from agent.phone_numbers import spellings

# What the profile says once the polite line for non-clients was said, and of a class that a person decided.
TURNED_AWAY, SAID_BY_OPERATOR = "turned_away", "said by an operator"


def is_listed(patterns: list[str], identity: str) -> bool:
    """Whether a number or user id is on a list: in any spelling of the number, `*` stands for anything, and
    spaces, plus signs, hyphens and brackets do not matter."""
    bare = identity.lstrip("+")
    wanted = [
        re.sub(r"[^\d*?]", "", pattern) if _NUMBER.fullmatch(pattern) else "".join(pattern.split())
        for pattern in patterns
    ]
    return bool(bare) and any(fnmatch(way, pattern) for way in spellings(bare) for pattern in wanted)


def is_ignored(answered: list[str], ignored: list[str], identity: str) -> bool:
    """Whether somebody is never answered: missing on the list of those who alone are (none: everybody is), or
    on that of those who are not."""
    return bool(answered and not is_listed(answered, identity)) or is_listed(ignored, identity)


# A phone number as people write it; other identities, such as those of groups, have signs of their own that
# count.
_NUMBER = re.compile(r"[\d\s()+*?.-]*\d[\d\s()+*?.-]*")
