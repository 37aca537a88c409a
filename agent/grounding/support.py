"""Whether what a reply claims stands anywhere: passages, tool answers, facts of the bot, the conversation, or sums of these."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import regex as re

from agent.grounding import names, owners, sums
from agent.grounding.claims import Claim, claims_in, records_in
from agent.grounding.numbers import plain, spelled
from agent.grounding.units import BASES, STOCKED, THINGS, same_currency
from agent.language import language_of

TOLERANCE = 0.005
CHAIN = 3
_NO_AGE = re.compile(r"опыт|гаранти|рынке|experien|esperien|тәжірибе|кепілд|अनुभव|वारंटी|warrant|garan|market", re.I)
_REMAIN = re.compile(r"left|remain|остал|қалд|quedan?\b|rest[ao]\w*|rimast|rimane|बच[ेा]", re.I)
GROWN_UP = 14 * 12
ABOUT = 0.01
_ABOUT = re.compile(
    r"\b(?:about|around|approx\w*|roughly|almost|nearly|около|примерно|приблизительно|порядка|почти|шамамен|жуық|circa|quasi|unos|unas|aproximadamente|cerca de|casi|ungefähr|etwa|environ|yaklaşık|lagbhag|करीब)\b|~|≈|लगभग|करीब",
    re.I,
)
# A price the customer named is granted only by somebody who may; the agent may deny it, ask about it, or call it a budget.
_NOT_GRANTED = re.compile(
    r"\?|\b(?:no|not|n't|cannot|can't|don't|doesn't|unfortunately|sorry|budget|you (?:said|mention\w*|wrote|saw|heard|were told|have)|your (?:limit|maximum|figure)|understand|check|confirm|ask|"
    r"не|нет|нельзя|понима\w+|к сожалению|бюджет\w*|уточн\w*|провер\w*|ваш\w* сумм\w*|жоқ|емес|өкінішке|бюджет\w*|нақтыла\w*|тексер\w*|non|capisco|purtroppo|budget|verific\w*|chied\w*|"
    r"entiendo|comprendo|lamentablemente|presupuesto|consult\w*|confirm\w*|desafortunadamente|tampoco|não|infelizmente|orçamento|nicht|kein\w*|leider|pas|malheureusement|değil|yok|bütçe\w*|nahi|nahin|budget)\b|नहीं|बजट|जाँच|पुष्टि|पूछ",
    re.I,
)
_REFUSED = re.compile(
    r"\b(?:unfortunately|sorry|afraid|cannot|can't|don't|do not|doesn't|won't|isn't|aren't|к сожалению|увы|не (?:можем|могу|сможем|продаём|продаем|даём|делаем|получится|доставляем|возим|работаем|держим)|нет|өкінішке|жоқ|"
    r"\w+(?:ма|ме|ба|бе|па|пе)й(?:мыз|міз|мын|мін|ды|ді|сыз|сіз)|purtroppo|mi dispiace|non (?:possiamo|abbiamo|facciamo|spediamo|vendiamo|è)|lamentablemente|lo siento|no (?:podemos|tenemos|hacemos|vendemos|enviamos|es posible)|infelizmente|não (?:podemos|temos)|leider|malheureusement|maalesef|maaf|nahi|nahin)\b|नहीं|क्षमा|माफ़",
    re.I,
)
_DAILY = re.compile(
    r"every ?day|daily|seven days|7 days a week|24/7|ежедневно|без выходных|каждый день|күн сайын|демалыссыз|аптасына 7|tutti i giorni|ogni giorno|todos los días|cada día|diariamente|todos os dias|täglich|tous les jours|her gün|हर दिन|रोज़|प्रतिदिन|roz\b",
    re.I,
)
# A `no` that opens a sentence, or belongs to a manner of speaking, denies nothing of what follows.
_IDLE_NO = re.compile(
    r"^\W*(?:no|нет|жоқ|non|nein|नहीं|जी नहीं)\s*[,!.—–-]+|no problem|don't worry|no worries|не переживайте|не беспокойтесь|без проблем|nessun problema|non si preoccupi|sin problema|no se preocupe|no te preocupes|алаңдамаңыз|चिंता न",
    re.I,
)
_NOT_BEFORE = re.compile(
    r"\b(?:no|not|n't|isn't|don't|doesn't|never|не|нет|без|non|ni|não|nicht|kein\w*|pas|nahi|nahin)\b(?:\W+\w+){0,3}\W*$|नहीं(?:\W+\w+){0,2}\W*$", re.I
)  # fmt: skip
_NOT_BEHIND = re.compile(r"^\W*(?:\w+\W+){0,2}(?:емес|жоқ|нет|değil|nahi|nahin|नहीं)(?!\w)", re.I)


@dataclass(frozen=True, slots=True)
class Source:
    """A text that may support a claim. `of_contact`: the contact said it, which grants no price."""

    name: str
    text: str
    of_contact: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim of a reply, whether it is supported, and by what."""

    claim: Claim
    supported: bool
    why: str


@dataclass
class Evidence:
    """The claims of all sources, read when the first is asked for. `asked`: the contact's last words, whose numbers a sum may
    use."""

    sources: Sequence[Source]
    asked: str = ""

    @cached_property
    def claims(self) -> list[tuple[Claim, Source]]:
        """Every claim with where it stands."""
        return [(claim, source) for source in self.sources for claim in _read(source.text)]

    @cached_property
    def _owner(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for source in self.sources:
            found.update(owners.owned(_read(source.text), plain(source.text)))
        return found

    def granted(self, asked: Sequence[Claim]) -> list[Claim]:
        """What may be reckoned with: all that somebody other than the contact said, and what the contact repeats of it."""
        theirs = [claim for claim, source in self.claims if not source.of_contact]
        return [*theirs, *(c for c in asked if any(_same(c, other) for other in theirs))]

    def of_another(self, claim: Claim, found: Claim, reply: str) -> bool:
        """Whether a value belongs to another product than the one the reply speaks of, which has a value of its own."""
        mine, theirs = owners.of(claim, reply), self._owner.get(id(found), "")
        if not mine or not theirs:
            return False
        own = [
            self._owner.get(id(other), "")
            for other, source in self.claims
            if not source.of_contact
            and (other.kind, other.unit) in ((claim.kind, claim.unit), (found.kind, found.unit))
            and other.text not in mine
            and owners.same(mine, self._owner.get(id(other), ""))
        ]
        if any(owners.equal(mine, name) for name in own):
            return not owners.equal(mine, theirs)
        return bool(own) and owners.differ(mine, theirs)

    def texts(self) -> Iterable[str]:
        """All that was read."""
        return (source.text for source in self.sources)


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Claim, ...]:
    rows = records_in(text)
    listed = text.lstrip()[:1] in "[{"  # in JSON a header such as `free` says nothing
    said = claims_in(text, every=True)
    return (*rows, *(c for c in said if not (rows and c.kind == "number") and not (listed and c.kind == "free")))


def findings(reply: str, evidence: Evidence) -> list[Finding]:
    """Every claim of the reply with the decision on it."""
    claims = claims_in(reply)
    reply = plain(reply)
    why = {claim: _direct(claim, evidence, reply) for claim in claims}
    asked = claims_in(evidence.asked)
    priced = {v for c in (*asked, *claims) if c.kind in ("money", "percent", "phone", "date") for v in c.values}
    counts = (spelled(evidence.asked) | spelled(reply)) - priced
    for _ in range(CHAIN):  # a total may be made of totals
        known = [claim for claim in claims if why[claim]]
        for claim in claims:
            if not why[claim]:
                others = [c for c in claims if c is not claim]
                why[claim] = sums.derived(claim, known, others, asked, evidence.granted(asked), counts)
    return [Finding(c, bool(why[c]), why[c] or f"{c.kind} “{c.text.strip()}” stands nowhere") for c in claims]


def unsupported(reply: str, evidence: Evidence) -> list[Finding]:
    """The claims that nothing supports."""
    return [finding for finding in findings(reply, evidence) if not finding.supported]


# How people name a sum that is theirs to spend.
_OWN = re.compile(
    r"budget|up to|under|at most|max\w*|no more than|i have|i've got|afford|бюджет\w*|до \d|не больше|не дороже|максимум|в пределах|укла\w+|у меня|қарж\w+|дейін|аспайтын|"
    r"tope|presupuesto|hasta|como mucho|tengo|al massimo|fino a|ho \d|orçamento|até|बजट|तक|bütçe|höchstens|jusqu",
    re.I,
)
_CLAUSE = re.compile(r"[,;:()\n]\s|\p{So}+\s?|\s[—–-]\s|[.!?…।]\s")


def _clause(claim: Claim, text: str) -> str:
    """The clause a claim stands in: a `no` at the head of the sentence denies something else."""
    cuts = [0, *(m.end() for m in _CLAUSE.finditer(text)), len(text)]
    return next((text[a:b] for a, b in itertools.pairwise(cuts) if a <= claim.start < b), text)


def _granted(claim: Claim, reply: str) -> bool:
    """Whether a price or a discount in a reply is a promise of the agent."""
    if claim.kind not in ("money", "percent"):
        return False
    return not (_NOT_GRANTED.search(_clause(claim, reply)) or _REFUSED.search(_IDLE_NO.sub(" ", claim.sentence)))


def _denied(claim: Claim, text: str) -> bool:
    """Whether a text says of a claim that it is not so."""
    at = text.find(claim.text, max(0, claim.start - 2))
    before, behind = text[: max(at, 0)], text[max(at, 0) + len(claim.text) :]
    before = re.split(r"[.!?;:।\n]", before)[-1]
    if "," in before and len(before.split(",")[0].split()) <= 1:
        before = before.partition(",")[2]
    return bool(_NOT_BEFORE.search(before) or _NOT_BEHIND.search(behind[:60]))


def _direct(claim: Claim, evidence: Evidence, reply: str) -> str:
    if claim.kind == "product":
        return _name(claim, evidence) or ("not offered" if _REFUSED.search(_IDLE_NO.sub(" ", claim.sentence)) else "")
    if claim.kind == "free":
        return _free(claim, evidence, reply)
    if claim.kind == "number" and claim.values[0] <= 4 and claim.values[0] == int(claim.values[0]):
        near = reply[max(0, claim.start - 22) : claim.start + 22]
        if not _REMAIN.search(near):
            return "a small count"
    if claim.kind == "number" and "24/7" in claim.sentence:
        return ""
    if claim.unit == "piece" and claim.values[0] <= 10 and not STOCKED.search(claim.sentence):
        return "a count"
    if claim.kind == "duration" and claim.values[0] <= 5 and claim.unit == "minute":
        return "a manner of speaking"
    if claim.kind in ("measure", "number") and _repeats(claim, evidence):
        return "the customer's own number"
    granted, elsewhere = _granted(claim, reply), ""
    for other, source in evidence.claims:
        theirs = not source.of_contact or not granted or (claim.kind == "money" and bool(_OWN.search(other.sentence)))
        if theirs and _same(claim, other):
            why = f"“{other.text[:40]}” in {source.name}"
            if not evidence.of_another(claim, other, reply):
                return why
            elsewhere = why
    if elsewhere:
        return ""
    if claim.kind in ("weekday", "soon"):
        return _day(claim, evidence)
    return ""


def _repeats(claim: Claim, evidence: Evidence) -> bool:
    """Whether the contact said a number, perhaps in thousands or with a unit we do not know."""
    value = claim.values[0]
    theirs = [c.values for c, source in evidence.claims if source.of_contact and c.values]
    bare = [c.values for c, source in evidence.claims if source.of_contact and c.kind == "number"]
    return (claim.kind == "number" and any(value * 1000 in values for values in theirs)) or (
        claim.kind == "measure" and claim.unit != "piece" and any(value in values for values in bare)
    )


def _same(claim: Claim, other: Claim) -> bool:
    if claim.kind in ("email", "link"):
        return other.kind == claim.kind and (
            claim.key == other.key or (claim.kind == "link" and other.key.startswith(claim.key + "/"))
        )
    if claim.kind == "phone":
        return (other.kind == "phone" and _same_phone(claim.key, other.key)) or (
            other.kind == "number" and claim.key == str(int(other.values[0]))
        )
    if claim.kind == "date":
        return (
            other.kind == "date"
            and claim.values == other.values
            and (not claim.key or not other.key or claim.key == other.key)
        )
    if claim.kind == "soon":
        return other.kind == "soon" and other.key == claim.key
    if not claim.values or not other.values:
        return False
    if claim.kind == "weekday":
        return other.kind == "weekday" and claim.values == other.values
    if claim.kind == "duration":
        if (
            other.kind == "number"
            and claim.unit == "month"
            and claim.values[0] >= GROWN_UP
            and not _NO_AGE.search(claim.sentence)
        ):
            return claim.values[0] == 12 * other.values[0]  # an age
        by_clock = claim.unit == "hour" and claim.text.rstrip(".")[-1:] in "0123456789hч"
        return (other.kind == "duration" and _same_duration(claim, other)) or (
            by_clock and other.kind == "time" and claim.values[0] * 60 == other.values[0]
        )
    if claim.kind == "time":
        return (other.kind == "time" and _same_time(claim, other)) or (
            (other.kind == "number" or (other.kind == "duration" and other.unit == "hour"))
            and claim.values[0] == other.values[0] * 60
        )
    close = _close(claim, other)
    if claim.kind == "money":
        return close and (
            (other.kind == "money" and same_currency(claim.unit, other.unit))
            or (other.kind == "number" and other.values[0] >= 10)
        )
    if claim.kind == "percent":
        return close and other.kind == "percent"
    if claim.kind == "measure":
        return close and (
            (other.kind == "measure" and other.unit == claim.unit) or (claim.unit == "piece" and other.kind == "number")
        )
    if other.kind == "time":
        return claim.values[0] * 60 == other.values[0]
    if other.kind == "date":
        return claim.values[0] == other.values[0] % 100
    priced = claim.values[0] >= 20 or claim.values[0] != int(claim.values[0])
    return close and (other.kind in ("number", "measure") or (other.kind == "money" and priced))


def _close(claim: Claim, other: Claim) -> bool:
    about = ABOUT if _ABOUT.search(claim.sentence) and claim.kind == "money" else 0
    return any(abs(a - b) <= max(TOLERANCE, about * b) for a in claim.values for b in other.values)


def _same_measure(claim: Claim, other: Claim) -> bool:
    one, per_one = BASES.get(claim.unit, (claim.unit, 1.0))
    two, per_two = BASES.get(other.unit, (other.unit, 1.0))
    return one == two and any(abs(a * per_one - b * per_two) <= TOLERANCE for a in claim.values for b in other.values)


def _same_phone(one: str, other: str) -> bool:
    """Whether two numbers end alike once trunk and country prefixes are off."""
    short, long = sorted((one.lstrip("0"), other.lstrip("0")), key=len)
    if short == long:
        return True
    bare = short[1:] if short[0] in "78" and len(short) == 11 else short
    return len(bare) >= 7 and long.endswith(bare) and len(long) - len(bare) <= 4


def _same_time(one: Claim, other: Claim) -> bool:
    """By the clock; `6:30` without a part of the day meets `6:30 pm`."""
    a, b = one.values[0] % 1440, other.values[0] % 1440
    return a == b or (abs(a - b) == 720 and (one.key == "said") != (other.key == "said"))


def _same_duration(claim: Claim, other: Claim) -> bool:
    """24 hours are a day; months and days do not mix."""

    if claim.key and other.key and claim.unit == other.unit and claim.key != other.key:
        return False  # 2 of `2-3 days` is not the 2 of `1-2 days`

    def hours(c: Claim) -> set[tuple[str, float]]:
        size = {"life": 1e9, "minute": 1 / 60, "hour": 1.0, "day": 24.0}.get(c.unit)
        return {("time", round(v * size, 3)) for v in c.values} if size else {("month", v) for v in c.values}

    return bool(hours(claim) & hours(other))


def _day(claim: Claim, evidence: Evidence) -> str:
    """A weekday within a range such as Mon-Sat, or the next day when delivery takes a day."""
    if claim.kind == "soon":
        limit = 24.0 if claim.key == "tomorrow" else 0.0
        for other, source in evidence.claims:
            if (
                other.kind == "duration"
                and claim.key == "tomorrow"
                and _same_duration(other, Claim("duration", "", 0, (limit,), "hour"))
            ):
                return f"“{other.text}” in {source.name}"
        return ""
    if any(_DAILY.search(text) for text in evidence.texts()):
        return "open every day"
    for _, group in itertools.groupby(
        (row for row in evidence.claims if row[0].kind == "weekday"), lambda row: row[1].name + row[0].sentence
    ):
        days = [row[0] for row in group]
        for first, last in itertools.pairwise(days):
            inside = first.values[0] <= claim.values[0] <= last.values[0]
            if inside and 0 < last.start - first.start - len(first.text) < 8:
                return f"within “{first.text}-{last.text}”"
    return ""


def _name(claim: Claim, evidence: Evidence) -> str:
    """Every word of a name must be said somewhere, whatever the script."""
    words = [w for w in re.findall(r"[^\W_][\w’'+-]*", claim.text) if w.casefold() not in names.COMMON]
    said, sounds = _vocabulary(tuple(evidence.texts()))
    missing = [w for w in words if not _heard(w, said, sounds)]
    return "" if missing else f"“{claim.text}” is known"


@lru_cache(maxsize=64)
def _vocabulary(texts: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    words = {w for text in texts for w in re.findall(r"[^\W_][\w’'+-]*", text.casefold())}
    parts = {part for word in words for part in re.split(r"[-’'+]", word)}
    return frozenset(words | parts), frozenset(names.latin(word) for word in words | parts)


def _heard(word: str, said: frozenset[str], sounds: frozenset[str]) -> bool:
    folded = word.casefold()
    if folded in said or names.latin(folded) in sounds:
        return True
    if any(c.isdigit() for c in folded):
        return folded.replace("-", "") in {s.replace("-", "") for s in said}
    stem = names.latin(folded)[: max(4, len(folded) - 2)]
    return len(folded) > 4 and any(s.startswith(stem) and abs(len(s) - len(folded)) <= 3 for s in sounds)


def _free(claim: Claim, evidence: Evidence, reply: str) -> str:
    """Something is free only where a sentence says so of the same thing. Sentences in two languages cannot be compared."""
    if _denied(claim, reply) or "?" in claim.sentence:
        return "not promised"
    wanted, meant = set(claim.key.split()), things(claim.sentence, claim.text)
    for other, source in evidence.claims:
        if other.kind != "free" or source.of_contact or _denied(other, source.text):
            continue
        part = next((p for p in re.split(r"[,;.]\s", other.sentence) if other.text in p), other.sentence)
        said = {word[:5] for word in re.findall(r"[^\W\d_]{4,}", part.casefold())}
        theirs = things(other.sentence, other.text)
        unlike = language_of(claim.sentence) != language_of(other.sentence)
        if meant & theirs or (not (meant and theirs) and (wanted & said or not wanted or unlike)):
            return f"“{other.sentence.strip()[:40]}” in {source.name}"
    return ""


def things(sentence: str, free: str) -> set[str]:
    """What a sentence says is free, as far as we know the word in its language: in the part where it says so, else
    anywhere in it."""
    part = next((p for p in re.split(r"[,;.]\s", sentence) if free in p), sentence)
    found = {thing for thing, pattern in THINGS.items() if pattern.search(part)}
    return found or {thing for thing, pattern in THINGS.items() if pattern.search(sentence)}
