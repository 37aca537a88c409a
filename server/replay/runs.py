"""Playing the saved conversations of a folder: as they are on tape, from live models, or with the prompts as
they are now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agent.documents import folder
from agent.models import usage
from agent.models.chat import OFFLINE, Models
from agent.models.offline import offline_model
from agent.nodes.retrieve import Knowledge
from server.config.settings import Settings
from server.replay.batch.exchange import or_waiting
from server.replay.heard import Played
from server.replay.play import Playing, bot_of_conversation, play
from server.replay.saved import BadConversation, SavedConversation, load_conversation, tape_of
from server.replay.tape import Mode, Recorded, read_tape, write_tape

# Where saved conversations are, seen from the folder a command is given in.
FOLDER = Path("tests/conversations")
# Tokens of one answer where no tape says how many there were, and model calls of a turn.
WRITTEN, CALLS = 120, 2.4
# Characters of a token, as providers say of English ("What are tokens", OpenAI help center); other scripts
# take more.
CHARACTERS = 4


@dataclass(frozen=True, slots=True)
class KeptConversation:
    """A saved conversation with its tape."""

    path: Path
    saved: SavedConversation
    tape: Recorded

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def read_kept(path: Path) -> KeptConversation:
    """A saved conversation from its files. Raises BadConversation."""
    return KeptConversation(path, load_conversation(path), read_tape(tape_of(path)))


@cache
def documents(path: Path | None) -> Knowledge:
    """The documents in a folder, the sample shop's for None; read once for all conversations."""
    return folder(path)


def knowledge_of(conversation: KeptConversation) -> Knowledge:
    """The documents that a conversation is about. Raises BadConversation."""
    named = conversation.saved.documents
    home = (conversation.path.parent / named).resolve() if named else None
    if home and not home.is_dir():
        raise BadConversation(f"{conversation.path.name}: documents: there is no folder {named} beside it")
    return documents(home)


async def played(
    conversation: KeptConversation,
    mode: Mode = "replay",
    live: Models | None = None,
    settings: Settings | None = None,
    fills: bool = False,
) -> tuple[Played, Recorded]:
    """Play one conversation; `fills`: `live` is asked what neither file nor tape answers. Raises
    BadConversation."""
    asked, knowledge = live or Models(offline_model()), knowledge_of(conversation)
    playing = Playing(asked, knowledge, mode, settings=settings, fills=fills)
    try:
        return await play(conversation.name, conversation.saved, conversation.tape, playing)
    except BadConversation as error:
        raise BadConversation(f"{conversation.path.name}: {error}") from None


async def accepted(
    conversations: Sequence[KeptConversation], settings: Settings | None = None, live: Models | None = None
) -> AsyncIterator[tuple[KeptConversation, Played, list[str]]]:
    """Keep the answers, and write the prompts of now beside them. Gives what happened, and the places whose
    prompts changed; a conversation that lacks an answer keeps its tape. `live` is asked for answers that are
    lacking; a conversation that waits for one is left out."""
    for conversation in conversations:
        done = await or_waiting(played(conversation, "accept", live, settings, fills=live is not None))
        if done is None:
            continue
        went, tape = done
        old = conversation.tape.calls
        changed = [p for p, row in tape.calls.items() if old.get(p, {}).get("prompt") != row.get("prompt")]
        if not went.problems and tape != conversation.tape:
            write_tape(tape_of(conversation.path), tape)
        yield conversation, went, changed


async def recorded(
    conversations: Sequence[KeptConversation], live: Models, settings: Settings, fresh: bool = False
) -> AsyncIterator[tuple[KeptConversation, Played]]:
    """Ask the live model anew, and put its answers on tape. `fresh`: tools and searches too. Where the model
    did not answer and the offline one stood in for it, the tape stays as it was. A conversation with a call
    that waits for its answer is left out."""
    for conversation in conversations:
        old = Recorded() if fresh else conversation.tape
        once = KeptConversation(conversation.path, conversation.saved, old)
        done = await or_waiting(played(once, "record", live, settings))
        if done is None:
            continue
        went, tape = done
        failed = [p for p, row in tape.calls.items() if row.get("model") == OFFLINE != live.default]
        if failed:
            why = f"{live.default} did not answer at {', '.join(failed)}: nothing was recorded"
            went = went.model_copy(update={"problems": (*went.problems, f"{conversation.name}: {why}")})
        if not went.problems:
            write_tape(tape_of(conversation.path), tape)
        yield conversation, went


def cost_of(conversation: KeptConversation, model: str, settings: Settings | None = None) -> float | None:
    """US dollars that asking a model anew will cost, about; None for a model without a price."""
    if model == OFFLINE:
        return 0.0
    price = usage.price_of(model)
    if price is None:
        return None
    read_, out = _tokens(conversation, settings)
    return (read_ * price.get("input", 0) + out * price.get("output", 0)) / usage.PER


def _tokens(conversation: KeptConversation, settings: Settings | None) -> tuple[float, float]:
    rows = [row for row in conversation.tape.calls.values() if "prompt" in row]
    if rows:
        read_ = sum((row.get("tokens") or [len(row["prompt"]) / CHARACTERS])[0] for row in rows)
        return read_, sum((row.get("tokens") or [0, 0, WRITTEN])[2] for row in rows)
    context = bot_of_conversation(conversation.saved, settings).context
    calls = CALLS * sum(
        turn.user is not None or turn.silence is not None for turn in conversation.saved.turns
    )
    return calls * len(context.sell_prompt) * 1.5 / CHARACTERS, calls * WRITTEN
