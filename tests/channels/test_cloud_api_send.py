"""What goes to the Graph API, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from channels.base import Recipient, SendError
from channels.cloud_api import CloudApi, CloudCredentials
from channels.cloud_errors import classify
from channels.content.media import Text
from channels.emulators.cloud_api import CloudApiEmulator
from tests.fakes.serving import served

TO = Recipient(account="42", wa_id="77015550101")


def against(answer: Callable[[httpx.Request], httpx.Response]) -> CloudApi:
    return CloudApi(
        httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        CloudCredentials(phone_number_id="42", url="https://graph.example", access_token=SecretStr("token")),
    )


async def test_the_emulator_takes_what_we_send_and_refuses_what_it_should():
    emulator = CloudApiEmulator("http://127.0.0.1:9/none", "secret", "token")
    with served(emulator.app) as url:
        async with httpx.AsyncClient() as client:
            api = CloudApi(
                client, CloudCredentials(phone_number_id="42", url=url, access_token=SecretStr("token"))
            )
            assert (await api.send(TO, Text(body="Hello", quoted_id="wamid.IN"), "c/r")).startswith("wamid.")
            assert emulator.requests[0]["to"] == "+77015550101"
            await api.send(Recipient(account="42", user_id="KZ.1349"), Text(body="Hello"), "c/r")
            assert emulator.requests[1]["recipient"] == "KZ.1349"
            await api.typing(TO, "wamid.IN")
            assert list(emulator.reads) == ["wamid.IN"]
            for wrong in ("", "x" * 4097):
                with pytest.raises(SendError) as refused:
                    await api.send(TO, Text(body=wrong), "c/r")
                assert (refused.value.kind, refused.value.code) == ("change", 100)
            with pytest.raises(SendError) as refused:
                await CloudApi(
                    client,
                    CloudCredentials(phone_number_id="42", url=url, access_token=SecretStr("old token")),
                ).send(TO, Text(body="Hello"), "c/r")
            assert (refused.value.kind, refused.value.code) == ("stop", 190)


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (130429, 429, "busy"),
        (131056, 400, "pair"),
        (80007, 400, "busy"),
        (4, 400, "busy"),
        (131000, 500, "retry"),
        (2, 503, "retry"),
        (131047, 400, "window"),
        (100, 400, "change"),
        (132001, 404, "change"),
        (131026, 400, "contact"),
        (131050, 400, "opt_out"),
        (131049, 400, "later"),
        (130472, 400, "later"),
        (190, 401, "stop"),
        (10, 403, "stop"),
        (200, 403, "stop"),
        (299, 403, "stop"),
        (368, 400, "stop"),
        (131042, 400, "stop"),
        (0, 401, "stop"),
        (-1, 404, "change"),
        (-1, 429, "busy"),
        (-1, 401, "stop"),
    ],
)
def test_error_codes_say_what_to_do(code: int, status: int, kind: str):
    assert classify(code, status) == kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(502, text="<html>Bad gateway</html>"), "unknown"),
        (httpx.Response(200, text="<html>Login</html>"), "unknown"),
        (httpx.Response(200, json=["odd"]), "unknown"),
        (httpx.Response(200, json={"error": {"code": 131047, "message": "window"}}), "window"),
        (httpx.Response(400, json={"error": "text"}), "change"),
    ],
)
async def test_odd_answers(answer: httpx.Response, kind: str):
    with pytest.raises(SendError) as failed:
        await against(lambda _: answer).send(TO, Text(body="Hello"), "c/r")
    assert failed.value.kind == kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), "retry"),
        (httpx.ConnectTimeout("slow"), "retry"),
        (httpx.ReadTimeout("slow"), "unknown"),
        (httpx.RemoteProtocolError("cut"), "unknown"),
        (httpx.WriteError("cut"), "unknown"),
    ],
)
async def test_a_request_that_never_left_is_not_unknown(error: Exception, kind: str):
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(SendError) as failed:
        await against(fail).send(TO, Text(body="Hello"), "c/r")
    assert failed.value.kind == kind


async def test_retry_after_is_kept():
    limited = httpx.Response(429, json={"error": {"code": 130429}}, headers={"Retry-After": "7"})
    with pytest.raises(SendError) as failed:
        await against(lambda _: limited).send(TO, Text(body="Hello"), "c/r")
    assert failed.value.retry_after == 7


@pytest.mark.external_data
async def test_every_real_error_body_is_classified(external_data):
    rows = [
        json.loads(line)
        for line in (external_data / "01_whatsapp_cloud" / "graph_responses.jsonl").read_text().splitlines()
    ]
    bodies = [row["body"] for row in rows if isinstance(row.get("body"), dict) and "error" in row["body"]]
    assert len(bodies) > 50
    for body in bodies:
        with pytest.raises(SendError) as failed:
            await against(lambda _, b=body: httpx.Response(400, json=b)).send(TO, Text(body="Hello"), "c/r")
        assert failed.value.kind in {"retry", "busy", "change", "window", "contact", "later", "stop"}
