"""The ad or post that a contact came from, as the agent and operators read it."""

from __future__ import annotations

from server.store.records import Contact

DAY = 86_400_000
# For how long (ms) the agent is told of an ad, and how much of its words.
TOLD, CHARACTERS = 30 * DAY, 600


def ad_words(contact: Contact, now: int) -> str:
    """The last ad that somebody came from, in words for the agent; empty for none, or one of long ago. They
    are the ad's words: nobody promises what it says until facts or passages say so."""
    ad = contact.referral
    said = ": ".join(filter(None, (ad.get("headline", ""), ad.get("body", "")))) or ad.get("source_url", "")
    if not said or now - contact.came_at > TOLD:
        return ""
    days = max(0, now - contact.came_at) // DAY
    when = "today" if not days else "yesterday" if days == 1 else f"{days} days ago"
    kind = "a post" if ad.get("source_type") == "post" else "an ad"
    return f"{kind} that they tapped on {when}, which says “{' '.join(said.split())[:CHARACTERS]}”"
