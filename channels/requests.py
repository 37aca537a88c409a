"""One request to a provider: what a broken connection means for the message in it, and what an answer
holds."""

from __future__ import annotations

from typing import Any

import httpx

from channels.base import SendError
from channels.json_parts import as_dict


async def send_request(client: httpx.AsyncClient, method: str, url: str, **request: Any) -> httpx.Response:
    """The answer, whatever its status. Raises SendError: `retry` when the request never left, `unknown` when
    its answer was lost, `stop` when no request can be made of the address or the secret."""
    try:
        return await client.request(method, url, **request)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise SendError("retry", f"no connection: {error!r}") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
        raise SendError("stop", f"the address or the secret cannot be sent: {type(error).__name__}") from None
    except httpx.HTTPError as error:
        raise SendError("unknown", f"no answer: {error!r}") from error


def object_in(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer, an empty one when it holds none."""
    try:
        return as_dict(answer.json())
    except ValueError:
        return {}


def retry_after(answer: httpx.Response) -> float:
    """Seconds of the header Retry-After, 0 without a number there."""
    try:
        return max(0.0, float(answer.headers.get("retry-after", "0")))
    except ValueError:
        return 0
