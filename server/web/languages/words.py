"""What other parts of the product call things by names of their own, in words: states, roles, fields, kinds.
A name that is not here is shown as it is, with blanks for its underscores: fields and tools are also named by
the business."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from server.web.languages.viewer import N_, NP_, _, translated_in

# What people call the fields of a profile, kinds of content and the like.
NAMES = frozenset(
    (
        *(N_("name"), N_("last name"), N_("company"), N_("email"), N_("phone"), N_("language")),
        *(
            N_("stage"),
            N_("topic"),
            N_("decision"),
            N_("class"),
            N_("consent"),
            N_("client"),
            N_("non client"),
        ),
        *(N_("unknown"), N_("situation"), N_("problem"), N_("implication"), N_("need payoff"), N_("closing")),
        *(N_("price"), N_("comparison"), N_("objection"), N_("next step"), N_("other"), N_("undeliverable")),
        # what a field of a business's own holds
        *(N_("number"), N_("date"), N_("choice")),
        # what a message holds
        *(N_("text"), N_("image"), N_("video"), N_("document"), N_("audio"), N_("sticker"), N_("location")),
        *(N_("contacts"), N_("reaction"), N_("order"), N_("buttons"), N_("list"), N_("link"), N_("form")),
        *(N_("location request"), N_("address request"), N_("template"), N_("product"), N_("products")),
        *(N_("catalogue"), N_("carousel"), N_("product carousel"), N_("bill"), N_("unsupported")),
        # what a touch of a follow-up is for
        *(N_("reminder"), N_("value"), N_("social proof"), N_("last chance"), N_("farewell")),
        # what a row of a price list holds
        *(N_("article"), N_("unit"), N_("stock"), N_("category"), N_("variants"), N_("picture"), N_("valid")),
        # what outgoing webhooks tell
        *(N_("lead created"), N_("ad clicked"), N_("purchased"), N_("profile changed"), N_("class changed")),
        *(N_("needs person"), N_("appointment booked"), N_("order created"), N_("order changed"), N_("yes")),
        *(N_("no"), N_("opted out"), N_("ping")),
        # what a channel is set with
        *(N_("phone number id"), N_("access token"), N_("app secret"), N_("verify token")),
        *(N_("business account id"), N_("profile id"), N_("token"), N_("webhook secret"), N_("url")),
        *(N_("api key"), N_("hmac key")),
    )
)
# Words that mean another thing elsewhere: of what they are said -> they.
OF = {
    "role": frozenset((NP_("role", "owner"), NP_("role", "agent"), NP_("role", "read only"))),
    "order": frozenset(
        (
            *(NP_("order", "new"), NP_("order", "paid"), NP_("order", "packed"), NP_("order", "sent")),
            *(NP_("order", "done"), NP_("order", "cancelled")),
        )
    ),
    "payment": frozenset(
        (
            *(NP_("payment", "open"), NP_("payment", "paid"), NP_("payment", "refused")),
            *(NP_("payment", "failed"), NP_("payment", "link")),
        )
    ),
    "message": frozenset(
        (
            *(NP_("message", "queued"), NP_("message", "accepted"), NP_("message", "sent")),
            *(NP_("message", "delivered"), NP_("message", "read"), NP_("message", "failed")),
            *(NP_("message", "skipped"), NP_("message", "waiting")),
        )
    ),
    "suggestion": frozenset(
        (
            *(NP_("suggestion", "open"), NP_("suggestion", "accepted")),
            *(NP_("suggestion", "dismissed"),),
        )
    ),
    "bot": frozenset(
        (
            *(NP_("bot", "connected"), NP_("bot", "paused"), NP_("bot", "simulator only")),
            *(NP_("bot", "scan qr"), NP_("bot", "starting"), NP_("bot", "stopped"), NP_("bot", "failed")),
            *(NP_("bot", "disconnected"), NP_("bot", "unknown"), NP_("bot", "working")),
        )
    ),
    "account": frozenset(
        (
            *(NP_("account", "good"), NP_("account", "scheduled"), NP_("account", "disabled")),
            *(NP_("account", "gone"),),
        )
    ),
    "template": frozenset(
        (
            *(NP_("template", "draft"), NP_("template", "pending"), NP_("template", "approved")),
            *(NP_("template", "rejected"), NP_("template", "paused"), NP_("template", "disabled")),
            *(NP_("template", "in appeal"), NP_("template", "deleted"), NP_("template", "utility")),
            *(NP_("template", "marketing"), NP_("template", "authentication")),
        )
    ),
    "quality": frozenset(
        (
            *(NP_("quality", "green"), NP_("quality", "yellow"), NP_("quality", "red")),
            *(NP_("quality", "unknown"),),
        )
    ),
    "price": frozenset(
        (
            *(NP_("price", "service"), NP_("price", "utility"), NP_("price", "marketing")),
            *(NP_("price", "authentication"), NP_("price", "authentication international")),
        )
    ),
    "verdict": frozenset(
        (
            *(NP_("verdict", "answer"), NP_("verdict", "refuse"), NP_("verdict", "hand over")),
            *(NP_("verdict", "silent"),),
        )
    ),
}
# Why a message was not answered by the model as it is set (`server.observability.answered_otherwise`).
REASONS = {
    "offline": N_("the offline model stood in"),
    "fallback": N_("another model than the one that is set answered"),
    "no_model": N_("no model answered: an apology went out"),
    "withheld": N_("what the model wrote was not supported: an honest line went out"),
    "fixed": N_("a command, STOP, or a file nobody can read: a fixed line answered"),
    "handed_over": N_("passed on to a person"),
    "person": N_("a person has the conversation"),
    "refused": N_("turned away: not a client, abuse, or an attempt to change the rules"),
    "stopped": N_("they said STOP"),
    "ignored": N_(
        "on the ignore list, or a reaction, a sticker, a group, another thing that wants no answer"
    ),
    "merged": N_("answered together with the messages around it"),
    "too_many_messages_at_once": N_("too many at once: kept, and not read by the model"),
    "waited_too_long": N_("waited too long: kept, and not answered"),
    "given_up": N_("given up on after several tries: see Dead letters"),
    "unspoken": N_("was to be spoken and went out in words: the speech failed"),
    "quarantined": N_("could not be read at all: see Quarantine"),
}


def translated(texts: Mapping[Any, str]) -> dict[str, str]:
    """Texts that `N_` marked, in the viewer's language."""
    return {name: _(text) for name, text in texts.items()}


def field_words(name: str, of: str = "") -> str:
    """A name in words. `of`: what it is the name or state of, where that makes another word of it."""
    words = name.replace("_", " ").lower() if of else name.replace("_", " ")
    if of:
        return translated_in(of, words) if words in OF[of] else words
    return _(words.replace("%", "%%")) if words in NAMES else words
