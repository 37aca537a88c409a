"""Who looks at a page: the language that was chosen or the browser accepts, and the clock they live by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from redis.asyncio import Redis

from tests.support.browser.pseudo_language import spoken
from tests.support.people.people import Town, town
from tests.support.servers.front_door import front_door, settings_of


@pytest.fixture
async def found(redis: Redis, tmp_path: Path) -> AsyncIterator[Town]:
    (tmp_path / "languages").mkdir()
    with spoken(tmp_path / "languages"):
        async with town(redis, tmp_path) as found:
            yield found


async def language_of(http: httpx.AsyncClient, accepted: str = "", chosen: str = "") -> str:
    cookies = {"Cookie": f"language={chosen}"} if chosen else {}
    answer = await http.get("/login", headers={"Accept-Language": accepted, **cookies})
    assert answer.status_code == 200
    return answer.text.partition('<html lang="')[2].partition('"')[0]


async def test_the_language_is_the_chosen_one_else_the_browsers_else_english(found: Town):
    http = found.door.http
    assert await language_of(http) == "en"
    assert await language_of(http, "eo") == "eo"
    assert await language_of(http, "tlh, eo;q=0.4, en;q=0.3") == "eo"
    assert await language_of(http, "en-GB,en;q=0.9,eo;q=0.8") == "en"
    assert await language_of(http, "eo", chosen="en") == "en"
    assert await language_of(http, "en", chosen="eo") == "eo"
    assert await language_of(http, "eo", chosen="../eo") == "eo"
    for strange in ("*", ";;q=x", "eo;q=0", "q" * 5000, "-", "zz-ZZ-zz"):
        assert await language_of(http, strange) == "en"


async def test_a_language_is_chosen_by_a_form(found: Town):
    http = found.door.http
    page = (await http.get("/login?next=/dashboard/todo")).text
    assert 'action="/language"' in page and 'value="/login?next=/dashboard/todo"' in page
    answer = await http.post("/language", data={"language": "eo", "next": "/login"})
    assert answer.status_code == 303 and answer.headers["location"] == "/login"
    assert "language=eo" in answer.headers["set-cookie"] and "SameSite=lax" in answer.headers["set-cookie"]
    elsewhere = await http.post("/language", data={"language": "eo", "next": "https://evil.example"})
    assert elsewhere.headers["location"] == "/dashboard"
    assert (await http.post("/language", data={"language": "xx"})).status_code == 422


async def test_no_other_page_chooses_it(redis: Redis, tmp_path: Path):
    settings = settings_of(tmp_path)
    async with front_door(settings, redis) as door:
        far = {"Sec-Fetch-Site": "cross-site"}
        assert (await door.http.post("/language", data={"language": "en"}, headers=far)).status_code == 403
        token = settings.api_token
        assert token is not None
        secret = token.get_secret_value() if hasattr(token, "get_secret_value") else str(token)
        await door.http.post("/login", data={"token": secret})
        door.http.headers.pop("Authorization")
        assert (await door.http.post("/language", data={"language": "en"})).status_code == 403
        page = (await door.http.get("/dashboard")).text
        csrf = page.partition('name="csrf" content="')[2].partition('"')[0]
        answer = await door.http.post("/language", data={"language": "en", "csrf": csrf})
        assert answer.status_code == 303


async def shown_at(found: Town, cookie: str) -> tuple[str, datetime]:
    """A page with a message, and when it was written."""
    id = await found.meet("77010000001", "Ann", "hello")
    page = (await found.door.http.get(f"/dashboard/default/{id}", headers={"Cookie": f"tz={cookie}"})).text
    [line] = (await found.door.read(f"/api/conversations/{id}"))["messages"]
    return page, datetime.fromtimestamp(line["at"] / 1000, UTC)


@pytest.mark.parametrize("zone", ["Asia/Almaty", "America/Sao_Paulo", "Asia/Kathmandu"])
async def test_times_are_by_the_viewers_clock(found: Town, zone: str):
    page, at = await shown_at(found, zone)
    assert f"<small>{at.astimezone(ZoneInfo(zone)):%H:%M}<" in page
    assert f'name="zone" content="{zone}" data-shown' in page


@pytest.mark.parametrize("zone", ["", "Nowhere/At_All", "../../etc/passwd", "/etc/passwd", "Asia", "x" * 200])
async def test_a_zone_that_nobody_knows_is_that_of_the_business(found: Town, zone: str):
    page, at = await shown_at(found, zone)
    assert f"<small>{at.astimezone(ZoneInfo(found.settings.timezone)):%H:%M}<" in page
    assert 'name="zone" content="" data-shown' in page
