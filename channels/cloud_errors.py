"""What the errors of the Cloud API mean for whoever sent a message."""

from __future__ import annotations

from channels.base import Failure

# "Cloud API error codes": which ones heal by waiting, and which never do.
_STOP = {0, 3, 10, 190, 368, 130497, 131005, 131031, 131037, 131042, 131045, 131048, 131064}
_KINDS: dict[Failure, set[int]] = {
    "retry": {1, 2, 131000, 131016, 131057},
    "busy": {4, 80007, 130429},
    "pair": {131056},
    "window": {131047},
    "contact": {33, 130403, 131026},
    "opt_out": {131050},
    "later": {130472, 131049},
}


def classify(code: int, http_status: int) -> Failure:
    """What to do about an error of the Graph API: the answer to a request, or (HTTP status 0) a `failed`
    status."""
    for kind, codes in _KINDS.items():
        if code in codes:
            return kind
    if (code in _STOP and (code or http_status in (401, 403))) or 200 <= code <= 299:
        return "stop"
    if http_status == 401:
        return "stop"
    if http_status == 429:
        return "busy"
    return "retry" if http_status >= 500 else "change"
