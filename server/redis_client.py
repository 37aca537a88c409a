"""The one way to a Redis server or cluster."""

from __future__ import annotations

from typing import cast

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

CONNECTIONS = 2000
# Shorter than a third of the default lease: a renewal that hangs must leave time for another.
CONNECT_SECONDS, ANSWER_SECONDS = 3, 4
CLUSTER = "+cluster"


def client(url: str) -> Redis:
    """A client of `redis://`, `rediss://` or `unix://`; of a cluster for `redis+cluster://HOST:PORT`, any of its nodes.

    A server that does not answer within 4 s raises, and is asked anew the next time.
    """
    if CLUSTER in url.split("://")[0]:
        # all keys of one step share a hash tag, so a cluster takes the same calls
        return cast(
            Redis,
            RedisCluster.from_url(
                url.replace(CLUSTER, "", 1),
                max_connections=CONNECTIONS,
                socket_connect_timeout=CONNECT_SECONDS,
                socket_timeout=ANSWER_SECONDS,
                retry=Retry(ExponentialWithJitterBackoff(base=0.1, cap=1), 3),
            ),
        )
    # without a bound that anybody meets: waiting for a connection costs more than having one
    pool = ConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        health_check_interval=30,
    )
    return Redis(connection_pool=pool)
