"""Settings of a deployment: addresses, Redis, secrets, logs."""

from __future__ import annotations

import hashlib
import hmac
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings

from server.config.addresses import is_loopback
from server.config.kept_secrets import kept_secret
from server.store.client import CONNECTIONS, SENTINEL, sentinels_of
from server.store.wire.confirming import Confirmation, read_confirmation

SCHEMES = (
    *("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://"),
    *("redis+sentinel://", "rediss+sentinel://"),
)
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class ServerSettings(BaseSettings):
    """Where the server is, and what it keeps."""

    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port the web server listens on.")
    data_dir: Path = Field(Path("data"), description="Where the embedded Redis and generated secrets live.")
    search_index_mb: int = Field(
        4096,
        ge=0,
        description="MB of the search index of this host in DATA_DIR; rewriting it takes three times as "
        "much for a while. One that grows larger is deleted, and searches go on without it; 0: none.",
    )
    redis_url: str | None = Field(
        None,
        description="redis://, rediss:// or unix:// of a server, redis+cluster:// of any node of a cluster, "
        "redis+sentinel://HOST:26379,HOST:26379/NAME of what Sentinel watches; unset: embedded.",
    )
    redis_connections: int = Field(
        CONNECTIONS,
        ge=4,
        le=10_000,
        description="Connections to Redis of each process; with more to do, commands wait.",
    )
    redis_wait: str | None = Field(
        None,
        description=(
            "replicas[:ms][:disk]: a webhook is acknowledged, and a message sent, once so many replicas have "
            "it, or have it on disk; unset: once the primary has it."
        ),
    )
    redis_may_lose: bool = Field(
        False,
        description=(
            "Work with a Redis that may lose acknowledged messages (no append-only file, or eviction)."
        ),
    )
    api_token: SecretStr | None = Field(
        None, description="Operator token; unset: made once and kept in DATA_DIR."
    )
    hooks_private: bool = Field(
        False, description="Whether outgoing webhooks may go to private addresses, such as a CRM beside it."
    )
    simulator: bool | None = Field(
        None,
        description=(
            "Whether /simulator is there, for operators who log in; unset: only while HOST is this machine "
            "alone."
        ),
    )
    public_url: str | None = Field(
        None,
        description=(
            "This server's address on the internet: in links that people get, and where webhooks come to."
        ),
    )
    internal_url: str | None = Field(
        None, description="Where processes on other hosts reach the web server; unset: this machine."
    )
    web_url: str | None = Field(
        None, description="The old name of PUBLIC_URL and INTERNAL_URL together; use those."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    alive_file: Path | None = Field(
        None,
        description=(
            "File that a worker touches every 5 seconds, for a process manager that starts stuck ones again."
        ),
    )
    secrets_key: SecretStr | None = Field(
        None,
        description=(
            "Encrypts the bots' credentials in Redis, the same on every host; unset: made once in DATA_DIR."
        ),
    )

    @field_validator("log_level", mode="before")
    @classmethod
    def _known_level(cls, value: object) -> str:
        level = str(value).upper()
        if level not in LOG_LEVELS:
            raise ValueError(f"use one of {', '.join(LOG_LEVELS)}")
        return level

    @field_validator("redis_url")
    @classmethod
    def _redis_scheme(cls, value: str | None) -> str | None:
        if value and not value.startswith(SCHEMES):
            raise ValueError(f"start it with {', '.join(SCHEMES)}, or leave it unset for the embedded server")
        if value and SENTINEL in value.split("://")[0]:
            sentinels_of(value)
            return value
        try:
            _ = urlsplit(value or "").port
        except ValueError:
            raise ValueError("its port is not a number; write redis://HOST:6379/0") from None
        return value

    @field_validator("redis_wait")
    @classmethod
    def _confirmation(cls, value: str | None, info: ValidationInfo) -> str | None:
        if read_confirmation(value or "") and not info.data.get("redis_url"):
            raise ValueError("the embedded server has no replicas; leave it unset, or set REDIS_URL")
        return value

    @property
    def confirmation(self) -> Confirmation | None:
        """What writes wait for that must outlive the primary."""
        return read_confirmation(self.redis_wait or "")

    @property
    def simulates(self) -> bool:
        """Whether there is a simulator."""
        return is_loopback(self.host) if self.simulator is None else self.simulator

    @property
    def outside_url(self) -> str:
        """The address of this server on the internet; empty where it has none."""
        return self.public_url or self.web_url or ""

    @property
    def links_url(self) -> str:
        """How links begin that people get."""
        return self.outside_url or self.loopback_url

    @property
    def inside_url(self) -> str:
        """Where our other processes, and servers beside this one, reach the web server."""
        return self.internal_url or self.web_url or self.loopback_url

    @property
    def loopback_url(self) -> str:
        """Where processes on this machine reach the web server."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "localhost") else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @cached_property
    def operator_token(self) -> str:
        """API_TOKEN, or the one made for this DATA_DIR."""
        return (
            self.api_token.get_secret_value() if self.api_token else kept_secret(self.data_dir, "api_token")
        )

    @cached_property
    def sealing_key(self) -> str:
        """SECRETS_KEY, or the one made for this DATA_DIR."""
        return (
            self.secrets_key.get_secret_value()
            if self.secrets_key
            else kept_secret(self.data_dir, "secrets_key")
        )

    @cached_property
    def simulator_secret(self) -> str:
        """Signs the webhooks of the simulator and opens nothing but simulated numbers; the same wherever
        API_TOKEN is."""
        return hmac.new(self.operator_token.encode(), b"simulator", hashlib.sha256).hexdigest()
