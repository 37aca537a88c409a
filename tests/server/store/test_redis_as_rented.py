"""Redis as people rent it: few connections, no disk, eviction, a narrow user, a primary that becomes a
replica, Sentinel."""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from pathlib import Path

import pytest
from redis import Redis as Direct
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, RedisError, ResponseError

from channels.base import Message, Pace
from server.bots.bot import runtimes
from server.cli.doctor import COMMANDS
from server.config.addresses import hidden
from server.config.settings import Settings
from server.observability.redis_fitness import Fitness, inspect_redis
from server.store import scripts
from server.store.client import client
from server.store.mailbox import Limits, Mailbox
from server.store.records import Entry, Reply, SendState
from tests.support.command_line import run
from tests.support.servers.rented import KEEPS, rented
from tests.support.stack import product, text, webhook
from tests.support.waiting import slowness, until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PACE = Pace(0, 1, 0, 1)


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--appendonly", "no", "--save", "60 1"), "appendonly yes"),
        ((*KEEPS, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"), "maxmemory-policy noeviction"),
        (
            (*KEEPS, "--maxmemory", "64mb", "--maxmemory-policy", "volatile-ttl"),
            "maxmemory-policy noeviction",
        ),
    ],
)
def test_a_redis_that_loses_what_was_acknowledged_is_refused_with_the_remedy(
    tmp_path: Path, options: tuple[str, ...], remedy: str
):
    with rented(*options) as port:
        url = f"redis://127.0.0.1:{port}/0"
        for command in (("serve",), ("serve", "--role", "web"), ("work",))[
            : 3 if remedy == "appendonly yes" else 1
        ]:
            done = run(tmp_path, *command, REDIS_URL=url, CHAT_MODEL="offline", PORT="1024")
            assert done.returncode == 2 and "REDIS_URL: it " in done.stderr and remedy in done.stderr, (
                done.stderr
            )
            assert "REDIS_MAY_LOSE" in done.stderr and "Traceback" not in done.stderr
        done = run(tmp_path, "doctor", "--no-ask", REDIS_URL=url, CHAT_MODEL="offline")
        assert done.returncode == 1 and "fix: REDIS_URL: it " in done.stdout and remedy in done.stdout


async def test_who_wants_it_all_the_same_is_told_so_for_ever():
    with rented("--appendonly", "no", "--save", "") as port:
        url = f"redis://127.0.0.1:{port}/0"
        with product(REDIS_URL=url, REDIS_MAY_LOSE="true", CHAT_MODEL="offline", SIMULATOR="") as stack:
            health = (await stack.http.get("/health")).json()
            assert health["status"] == "ok" and "appendonly yes" in health["warnings"][0]
            alerts = (await stack.http.get("/api/stats")).json()["alerts"]
            assert any(row["name"] == "redis" and "appendonly" in row["text"] for row in alerts)
            page = await stack.http.get(
                "/dashboard", headers={"Authorization": stack.http.headers["Authorization"]}
            )
            assert "appendonly yes" in page.text


async def test_sixty_customers_at_once_on_thirty_connections_are_all_answered_once():
    with rented(*KEEPS, "--maxclients", "30") as port:
        with product(REDIS_URL=f"redis://127.0.0.1:{port}/0", DEBOUNCE_SECONDS="0.1") as stack:
            people = [f"7706{n:07}" for n in range(60)]
            sent = [
                stack.post(webhook(text(who, "hello", f"wamid.{who}-{uuid.uuid4().hex}"))) for who in people
            ]
            assert [answer.status_code for answer in await asyncio.gather(*sent)] == [200] * 60
            await until(lambda: all(stack.replies(who) for who in people), 90)
            await until(stack.idle)
            assert all(len(stack.replies(who)) == 1 for who in people)
            assert (await stack.http.get("/health")).json()["status"] == "ok"
            clients = int(Direct(port=port).info("clients")["connected_clients"])  # pyright: ignore[reportIndexIssue]
            assert clients <= 30


async def test_a_primary_that_becomes_a_replica_is_noticed_and_left_and_taken_up_again():
    with rented(*KEEPS) as port, rented(*KEEPS) as other:
        with product(REDIS_URL=f"redis://127.0.0.1:{port}/0", DEBOUNCE_SECONDS="0.1") as stack:
            server, contact = Direct(port=port), "77060009999"
            await stack.post(webhook(text(contact, "first", "wamid.first")))
            await until(lambda: len(stack.replies(contact)) == 1)
            server.config_set("replica-read-only", "yes")
            server.replicaof("127.0.0.1", other)  # pyright: ignore[reportArgumentType]
            answer = await stack.http.get("/health")
            assert answer.status_code == 503 and answer.json()["status"] == "unavailable"
            assert (await stack.post(webhook(text(contact, "second", "wamid.second")))).status_code == 503
            server.replicaof("NO", "ONE")

            async def accepted() -> bool:
                return (await stack.post(webhook(text(contact, "second", "wamid.second")))).status_code == 200

            await until(accepted)
            await until(
                lambda: len(stack.replies(contact)) >= 1 and stack.replies(contact)[-1].endswith("second")
            )
            assert (await stack.http.get("/health")).status_code == 200


async def test_a_connection_to_a_replica_is_given_up_so_that_the_next_one_asks_again():
    with rented(*KEEPS) as port, rented(*KEEPS) as other:
        redis = client(f"redis://127.0.0.1:{port}/0", 4)
        await redis.set("a", 1)
        mine = await redis.client_id()
        Direct(port=port).replicaof("127.0.0.1", other)  # pyright: ignore[reportArgumentType]
        script = redis.register_script("return redis.call('SET', KEYS[1], 1)")
        for attempt in (redis.set("a", 2), script(keys=["a"])):
            with pytest.raises(ConnectionError, match="replica"):
                await attempt
        assert await redis.client_id() != mine
        await redis.aclose()


async def test_commands_wait_for_a_connection_in_the_order_they_came():
    with rented(*KEEPS, "--maxclients", "10") as port:
        redis, done = client(f"redis://127.0.0.1:{port}/0", 3), []

        async def one(number: int) -> None:
            await redis.blpop([f"list-{number}"], timeout=0.05)  # pyright: ignore[reportGeneralTypeIssues]
            done.append(number)

        await asyncio.gather(*(one(number) for number in range(60)))
        assert len(done) == 60 and done[:3] != done[-3:]
        assert sorted(done) == list(range(60)) and max(abs(n - place) for place, n in enumerate(done)) <= 6
        await redis.aclose()


async def test_where_the_server_has_no_more_connections_those_that_stand_go_round():
    with rented(*KEEPS, "--maxclients", "6") as port:
        redis = client(f"redis://127.0.0.1:{port}/0", 64)
        answers = await asyncio.gather(*(redis.incr("count") for _ in range(300)))
        assert sorted(answers) == list(range(1, 301))
        await redis.aclose()


async def test_a_command_that_is_given_up_while_it_waits_keeps_no_place():
    with rented(*KEEPS) as port:
        redis = client(f"redis://127.0.0.1:{port}/0", 2)
        busy = [asyncio.create_task(redis.blpop([f"x{n}"], timeout=1)) for n in range(2)]  # pyright: ignore[reportArgumentType]
        await until(lambda: len(redis.connection_pool._in_use_connections) == 2)  # pyright: ignore[reportAttributeAccessIssue]
        waiting = [asyncio.create_task(redis.ping()) for _ in range(20)]  # pyright: ignore[reportArgumentType]
        await asyncio.sleep(0)
        for task in waiting[:19]:
            task.cancel()
        assert await waiting[19]
        await asyncio.gather(*busy)
        await redis.aclose()


NARROW = "~sg:* +@all -@dangerous -@admin"


@pytest.fixture
async def narrow() -> object:
    """A client whose user may do nothing dangerous, nor publish."""
    with rented(*KEEPS) as port:
        Direct(port=port).execute_command(
            "ACL", "SETUSER", "app", "on", ">secret", "resetchannels", *NARROW.split()
        )
        redis = client(f"redis://app:secret@127.0.0.1:{port}/0", 8)
        yield redis
        await redis.aclose()


async def test_a_user_who_may_not_ask_or_publish_loses_nothing_and_blocks_nobody(narrow: Redis):
    with pytest.raises(ResponseError):
        await narrow.info()
    runtime = runtimes(Settings(_env_file=None), narrow)["default"]  # pyright: ignore[reportCallIssue]
    box = Mailbox(narrow, "default", Limits(debounce=0, lease=1000))
    said = Message(id="wamid.1", account="42", kind="text", wa_id="77010000001", text="hello")
    conversation = await runtime.conversations.identify(said)
    entry = Entry(id=said.id, author="contact", text="hello", at=1)
    assert await box.accept(conversation, said, entry)
    assert (await box.claim(5)).ids == [conversation]
    work = await box.begin(conversation)
    assert len(work.batch) == 1
    reply = Reply(id="t:0", text="hi")
    assert await box.commit(conversation, work.fence, work.turn_id, [(reply, entry)]) == 1
    work = await box.begin(conversation, work.fence)
    tried = await box.send_begin(conversation, work.fence, "42", "t:0", PACE)
    assert tried.go == "go"
    # a crash here; whoever comes next waits for a status, and does not wait for ever
    work = await box.begin(conversation)
    waited: list[int] = []

    async def longer() -> bool:
        again = await box.send_begin(conversation, work.fence, "42", "t:0", PACE)
        assert again.go == "open"
        waited.append(int(again.detail))
        return waited[-1] >= 50

    await until(longer)
    assert waited == sorted(waited)
    assert (await box.send_begin(conversation, work.fence, "42", "t:0", PACE, again=True)).go == "go"
    assert await box.send_done(conversation, work.fence, "42", "t:0", "wamid.x", SendState("accepted")) == 3
    found = await inspect_redis(narrow)
    assert not found.refused and "may not ask INFO" in found.warned[0]


def test_the_doctor_tries_every_command_that_scripts_use():
    used = set()
    for path in [*(ROOT / "server").rglob("*.lua"), ROOT / "agent" / "checkpointer.py"]:
        used |= set(re.findall(r"""call\(\s*'([A-Z]+)'""", path.read_text()))
    assert used - {"PUBLISH"} <= COMMANDS.keys(), used - COMMANDS.keys()
    for path in (ROOT / "server").rglob("*.lua"):
        assert "call('INFO'" not in path.read_text() and not re.search(
            r"[^p]call\('PUBLISH'", path.read_text()
        )
    assert scripts.sections(ROOT / "server/store/mailbox.lua", ROOT / "server/store/counters.lua")


def test_the_doctor_names_what_a_user_may_not_run(tmp_path: Path):
    with rented(*KEEPS) as port:
        rules = ("on", ">secret", "~*", "&*", "+@all", "-zrangebyscore", "-hincrby", "-time")
        Direct(port=port).execute_command("ACL", "SETUSER", "app", *rules)
        url = f"redis://app:secret@127.0.0.1:{port}/0"
        done = run(tmp_path, "doctor", "--no-ask", REDIS_URL=url, CHAT_MODEL="offline")
        assert done.returncode == 1, done.stdout
        line = next(line for line in done.stdout.splitlines() if "may not run" in line)
        assert all(name in line for name in ("ZRANGEBYSCORE", "HINCRBY", "TIME")) and "ZADD" not in line
        assert "secret" not in done.stdout + done.stderr and "redis://***@127.0.0.1" in done.stdout


async def test_sentinel_leads_to_the_primary_and_to_the_next_one_when_it_is_gone():
    with rented(*KEEPS) as first, rented(*KEEPS, "--replicaof", f"127.0.0.1 {first}") as second:
        watch = (
            f"sentinel monitor shop 127.0.0.1 {first} 1\nsentinel down-after-milliseconds shop 300\nsentinel "
            "failover-timeout shop 2000"
        )
        with rented(sentinel=watch) as sentinel:
            redis = client(f"redis+sentinel://127.0.0.1:{sentinel}/shop/0", 4)
            assert await redis.set("a", 1)

            def replica_known() -> bool:
                return bool(Direct(port=sentinel).sentinel_slaves("shop"))  # pyright: ignore[reportAttributeAccessIssue]

            await until(replica_known)
            await until(lambda: Direct(port=second).get("a") == b"1")
            with contextlib.suppress(RedisError):
                Direct(port=first).shutdown(nosave=True, now=True, force=True)

            async def written() -> bool:
                try:
                    return bool(await redis.set("b", 2))
                except (RedisError, OSError):
                    return False

            await until(written, 40 * slowness())
            assert Direct(port=second).get("b") == b"2"
            await redis.aclose()


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("redis+sentinel://h:26379", "NAME-OF-THE-PRIMARY"),
        ("redis+sentinel://h:x/shop", "NAME-OF-THE-PRIMARY"),
        ("redis+sentinel://h/shop/x", "not a number"),
        ("sentinel://h/shop", "redis+sentinel://"),
    ],
)
def test_a_wrong_address_says_how_to_write_it(tmp_path: Path, url: str, remedy: str):
    done = run(tmp_path, "doctor", "--no-ask", REDIS_URL=url)
    assert done.returncode == 2 and done.stderr.startswith("REDIS_URL: ") and remedy in done.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:p%40ss@h:1/0", "redis://***@h:1/0"),
        ("redis+sentinel://u:p@h:1,h2:2/shop", "redis+sentinel://***@h:1,h2:2/shop"),
        ("Error 111 connecting to rediss://user:p/w@h:1", "Error 111 connecting to rediss://***@h:1"),
        ("https://u:p@crm.example/hook and redis://h:1", "https://***@crm.example/hook and redis://h:1"),
        ("redis://h:1/0", "redis://h:1/0"),
    ],
)
def test_passwords_in_addresses_are_never_shown(text: str, shown: str):
    assert hidden(text) == shown


def test_each_process_takes_its_share_of_the_connections_there_are():
    assert Fitness(clients=30).connections(512) == 8
    assert Fitness(clients=10_000).connections(512) == 512
    assert Fitness(clients=8).connections(512) == 4
    assert Fitness().connections(512) == 512
