"""The whole product as its own process group, between an emulated WhatsApp and a model server that does as
told."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
from redis.asyncio import Redis

from channels.emulators.cloud_api import CloudApiEmulator
from server.store.client import client
from server.store.embedded import die_with_parent
from tests.fakes.openai_wire import FakeOpenAI
from tests.fakes.serving import free_port, served
from tests.support.waiting import slowness

SECRET, TOKEN, VERIFY, API, NUMBER = (
    "app-secret",
    "access-token",
    "verify-me",
    "operator-token-of-the-tests",
    "106540352242922",
)
START_SECONDS = 60
SETTINGS = (
    "HOST",
    "PORT",
    "DATA_DIR",
    "REDIS_URL",
    "API_TOKEN",
    "CHAT_MODEL",
    "OPENAI_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
)


def environment(data_dir: Path, port: int, **settings: str) -> dict[str, str]:
    """A clean environment for the product: nothing of the developer's own settings."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in SETTINGS and not k.startswith(("WHATSAPP_", "OPENAI_", "GEMINI_"))
    }
    return {**kept, "PORT": str(port), "DATA_DIR": str(data_dir), "API_TOKEN": API, **settings}


class Stack:
    """Starts, kills and restarts `salesgraph serve`; talks to it as WhatsApp and as an operator."""

    def __init__(
        self,
        data_dir: Path,
        emulator: CloudApiEmulator,
        graph_url: str,
        model: FakeOpenAI,
        model_url: str,
        **settings: str,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.emulator, self.model, self.data_dir = emulator, model, data_dir
        self.http = httpx.AsyncClient(
            base_url=self.url, timeout=30, headers={"Authorization": f"Bearer {API}"}
        )
        self.env = environment(
            data_dir,
            self.port,
            OPENAI_API_KEY="sk-test",
            OPENAI_BASE_URL=f"{model_url}/v1",
            MODEL_REST_SECONDS="0",
            ENABLE_FOLLOW_UPS="true",
            WHATSAPP_BUSINESS_ACCOUNT_ID="1",
            TRANSCRIPTION_MODEL="openai:gpt-4o-mini-transcribe",
            WHATSAPP_ACCESS_TOKEN=TOKEN,
            WHATSAPP_PHONE_NUMBER_ID=NUMBER,
            WHATSAPP_APP_SECRET=SECRET,
            WHATSAPP_WEBHOOK_VERIFY_TOKEN=VERIFY,
            WHATSAPP_GRAPH_URL=graph_url,
            **{
                "DEBOUNCE_SECONDS": "0.3",
                "DEBOUNCE_MAX_SECONDS": "3",
                "MODEL_TIMEOUT": "20",
                "LEASE_SECONDS": "3",
            }
            | {"SEND_GRACE_SECONDS": "4", **settings},
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.log = data_dir / "serve.log"

    def start(self) -> None:
        emulator_webhook = f"{self.url}/webhook"
        self.emulator.webhook = emulator_webhook
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server", "serve"],
                env=self.env,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                start_new_session=True,
                preexec_fn=die_with_parent,  # whatever becomes of the tests
            )
        end = time.monotonic() + START_SECONDS * slowness()
        # One client for all: each new one reads the certificates of the machine.
        with httpx.Client(base_url=self.url, timeout=5, verify=False) as http:
            while time.monotonic() < end:
                try:
                    if http.get("/health").status_code == 200 and "Ctrl-C" in self.log.read_text():
                        return
                except httpx.HTTPError:
                    pass
                assert self.process.poll() is None, self.log.read_text()[-3000:]
                time.sleep(0.1)
        raise AssertionError(self.log.read_text()[-3000:])

    def stop(self) -> int:
        """End it as Ctrl-C does; what does not end is killed, with all that it started."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(40 * slowness())
        except subprocess.TimeoutExpired:
            self.end()
            raise

    def end(self) -> None:
        """Kill all that still runs."""
        if self.process is None or self.process.poll() is not None:
            return
        children = [pid for pid, _ in _processes() if self._mine(pid)]
        for pid in (self.process.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def kill(self, name: str) -> None:
        """kill -9 the web process, the worker or the embedded Redis."""
        pattern = {"web": "--role web", "worker": "server work", "redis": str(self.data_dir / "redis")}[name]
        found = [
            pid for pid, line in _processes() if pattern in line and pid != os.getpid() and self._mine(pid)
        ]
        assert found, f"no {name} process"
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    def processes(self) -> list[tuple[int, str]]:
        """(pid, command line) of the product's processes."""
        return [(pid, line) for pid, line in _processes() if self._mine(pid)]

    def _mine(self, pid: int) -> bool:
        assert self.process is not None
        try:
            return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]) == self.process.pid
        except OSError:  # it has ended meanwhile
            return False

    async def post(
        self, payload: Any, *, secret: str | None = SECRET, raw: bytes | None = None
    ) -> httpx.Response:
        """A webhook, signed as Meta signs it."""
        body = raw if raw is not None else json.dumps(payload).encode()
        headers = {"Content-Type": "application/json"}
        if secret:
            headers["X-Hub-Signature-256"] = (
                "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            )
        return await self.http.post("/webhook", content=body, headers=headers)

    def replies(self, contact: str) -> list[str]:
        """Texts the contact's phone has received, in order."""
        return [
            b.text for b in list(self.emulator.phones.bubbles.values()) if b.contact == contact and not b.mine
        ]

    async def idle(self) -> bool:
        """Whether no conversation waits for anything."""
        return all(bot["waiting"] == 0 for bot in (await self.http.get("/api/stats")).json()["bots"])

    async def conversation_of(self, contact: str) -> dict[str, Any]:
        """The API's view of a contact's conversation."""
        rows = (await self.http.get("/api/contacts", params={"limit": 200})).json()["items"]
        found = next(row for row in rows if row["wa_id"] == contact)
        return (await self.http.get(f"/api/conversations/{found['id']}")).json()


@contextlib.contextmanager
def product(**settings: str) -> Iterator[Stack]:
    """The running product, with a WhatsApp and a model of its own."""
    emulator, model = CloudApiEmulator("", SECRET, TOKEN), FakeOpenAI()
    with (
        tempfile.TemporaryDirectory(prefix="sg") as folder,
        served(emulator.app) as graph_url,
        served(model.app) as model_url,
    ):
        stack = Stack(Path(folder), emulator, graph_url, model, model_url, **settings)
        try:
            stack.start()
            yield stack
            stack.stop()
        finally:
            stack.end()


def webhook(
    *messages: dict[str, Any], statuses: list[dict[str, Any]] | None = None, number: str = NUMBER
) -> dict[str, Any]:
    """One webhook body around messages."""
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "1", "phone_number_id": number},
    }
    if messages:
        value["messages"] = list(messages)
        value["contacts"] = [
            {"wa_id": m["from"], "profile": {"name": "Test"}} for m in messages if "from" in m
        ]
    if statuses:
        value["statuses"] = statuses
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}],
    }


def text(contact: str, body: str, message_id: str) -> dict[str, Any]:
    """One inbound text message."""
    return {
        "from": contact,
        "id": message_id,
        "timestamp": "1786000000",
        "type": "text",
        "text": {"body": body},
    }


def _processes() -> list[tuple[int, str]]:
    rows = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                rows.append(
                    (
                        int(folder.name),
                        (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"),
                    )
                )
            except OSError:
                continue
    return rows


def redis_of(stack: Stack) -> Redis:
    return cast(Redis, client(f"unix://{stack.data_dir}/redis/socket?db=0"))
