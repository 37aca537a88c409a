"""Two ways of answering the same conversations, side by side: what each would say, and which of them does
better."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from agent.models.chat import Models
from agent.prompts import names, prompt_text
from server.config.settings import Settings
from server.replay.batch.exchange import Unanswered, or_waiting, sample
from server.replay.heard import Played
from server.replay.play import Playing, bot_of_conversation, play
from server.replay.runs import KeptConversation, knowledge_of
from server.replay.saved import BadConversation

# Conversations that are played at once: more make providers refuse calls, and latency means nothing then.
AT_ONCE = 4

Outcome = Literal["better", "worse", "same"]


@dataclass(frozen=True, slots=True)
class Side:
    """One way of answering: `changes` over the settings of each conversation's bot. `recorded`: as it is on
    tape."""

    label: str
    changes: Mapping[str, Any]
    recorded: bool = False


class Runs(BaseModel):
    """One conversation on both sides, as often as it was played."""

    model_config = ConfigDict(frozen=True)

    name: str
    about: str
    left: tuple[Played, ...]
    right: tuple[Played, ...]

    @property
    def passes(self) -> tuple[int, int]:
        """How many of its playings met every expectation."""
        return sum(run.passed for run in self.left), sum(run.passed for run in self.right)

    @property
    def outcome(self) -> Outcome:
        """What the change does to it: more or fewer playings that pass."""
        left, right = self.passes
        return "better" if right > left else "worse" if right < left else "same"

    @property
    def differs(self) -> bool:
        """Whether the contact hears anything else."""
        return any(
            a.replies != b.replies
            for one, other in zip(self.left, self.right, strict=True)
            for a, b in zip(one.turns, other.turns, strict=False)
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """How to compare: `forced` lets every turn begin from the history on tape, so that turn five compares
    like with like; else each side goes its own way. Finished playings are kept in `store`, and not played
    again."""

    left: Side
    right: Side
    times: int = 1
    forced: bool = False
    store: Path | None = None


def parse_changes(settings: Sequence[str]) -> dict[str, Any]:
    """`FIELD=VALUE` pairs of a bot's settings; `@FILE` stands for what a file holds, without front matter.
    Raises BadConversation."""
    import yaml

    from agent.prompts import split_front_matter

    found: dict[str, Any] = {}
    for pair in settings:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise BadConversation(f"--set {pair}: write FIELD=VALUE, such as sell_prompt=@new.md")
        try:
            if value.startswith("@"):
                found[name.strip()] = split_front_matter(Path(value[1:]).read_text(encoding="utf-8"))[1]
            else:
                text = name.strip().endswith(("_prompt", "model")) or name.strip() in ("business", "facts")
                found[name.strip()] = value if text else yaml.safe_load(value)
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise BadConversation(f"--set {name}: {error}") from None
    return found


async def compared(
    conversations: Sequence[KeptConversation],
    how: Comparison,
    live: Models,
    settings: Settings,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Runs]:
    """Play every conversation on both sides. Raises BadConversation before anything is played, and Unanswered
    where playings wait for answers; what is finished is kept in the store."""
    for conversation in conversations:
        for side in (how.left, how.right):
            bot_of_conversation(conversation.saved, settings, side.changes)
            if (side.recorded or how.forced) and not (conversation.tape or conversation.saved.is_scripted):
                raise BadConversation(f"{conversation.name}: nothing is on tape; record it first")
    done = _stored(how.store)
    jobs = [
        (conversation, side, number)
        for conversation in conversations
        for number in range(how.times)
        for side in (how.left, how.right)
    ]
    gate, finished = asyncio.Semaphore(AT_ONCE), 0

    async def one(conversation: KeptConversation, side: Side, number: int) -> Played | None:
        nonlocal finished
        key = _key(conversation, side, number, how.forced, live.default)
        if key not in done:
            sample.set(number)
            async with gate:
                went = await or_waiting(_played(conversation, side, how.forced, live, settings))
            if went is None:
                return None
            done[key] = went
            _store(how.store, key, went)
        finished += 1
        progress(finished, len(jobs))
        return done[key]

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(*job)) for job in jobs]
    played = [went for task in tasks if (went := task.result())]
    if len(played) < len(tasks):
        raise Unanswered(f"{len(tasks) - len(played)} playings wait")
    results = iter(played)
    rows: list[Runs] = []
    for conversation in conversations:
        pairs = [(next(results), next(results)) for _ in range(how.times)]
        left, right = zip(*pairs, strict=True)
        rows.append(Runs(name=conversation.name, about=conversation.saved.about, left=left, right=right))
    return rows


async def _played(
    conversation: KeptConversation, side: Side, forced: bool, live: Models, settings: Settings
) -> Played:
    knowledge = knowledge_of(conversation)
    playing = Playing(live, knowledge, "live", side.changes, forced, settings)
    if side.recorded:
        playing = Playing(live, knowledge, "accept", side.changes, settings=settings)
    try:
        return (await play(conversation.name, conversation.saved, conversation.tape, playing))[0]
    except (
        BadConversation
    ) as error:  # what this side's settings make of it; the others are compared all the same
        return Played(name=conversation.name, about=conversation.saved.about, problems=(str(error),))


def _key(conversation: KeptConversation, side: Side, number: int, forced: bool, model: str) -> str:
    """What must be the same for a playing to stand for another: conversation, settings, model, prompts."""
    prompts = {name: prompt_text(name) for name in names()}
    parts = [
        conversation.saved.model_dump_json(),
        sorted(conversation.tape.calls.items()),
        dict(side.changes),
        side.recorded,
        number,
        forced,
        model,
        prompts,
    ]
    return hashlib.blake2b(
        json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=16
    ).hexdigest()


def _stored(store: Path | None) -> dict[str, Played]:
    """Playings of a comparison that was broken off; a line that was cut short is left out."""
    found: dict[str, Played] = {}
    if store and store.exists():
        for line in store.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
                found[row["key"]] = Played.model_validate(row["played"])
            except (ValueError, KeyError, TypeError):
                continue
    return found


def _store(store: Path | None, key: str, played: Played) -> None:
    if store:
        with store.open("a", encoding="utf-8") as file:
            # the line before may have been cut short
            file.write(
                "\n" + json.dumps({"key": key, "played": played.model_dump(mode="json")}, ensure_ascii=False)
            )
