"""A website's pages as files to be read: those of its sitemap, else those its pages link to, on one host and
as its robots.txt allows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx

from knowledge_base.document import Unreadable

AGENT = "salesgraph"
# Bytes of one page, and seconds that one may take.
LARGEST_PAGE, SECONDS = 5_000_000, 20.0
# Sitemaps of one site: an index may name more.
MOST_SITEMAPS = 20
_LINK = re.compile(rb"<a\s[^>]*?href\s*=\s*[\"']?([^\"'\s>]+)", re.I)
_PLACE = re.compile(rb"<loc>\s*([^<\s]+)\s*</loc>", re.I)
_NO_PAGE = re.compile(r"\.(?:jpe?g|png|gif|webp|svg|css|js|ico|zip|mp4|mp3|woff2?|exe|apk)$", re.I)
_KINDS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
}


async def fetch_website(
    address: str, folder: Path, most: int, allow: Callable[[str], Awaitable[None]] | None = None
) -> tuple[list[Path], list[str]]:
    """Fetch at most `most` pages of the website at an address into files of a folder; also what was left out.
    `allow` raises for an address that must not be asked, of a redirect too. Raises Unreadable when the first
    page cannot be had."""

    async def allowed(request: httpx.Request) -> None:
        if allow:
            await allow(str(request.url))

    options = {"User-Agent": AGENT}
    async with httpx.AsyncClient(
        headers=options, timeout=SECONDS, follow_redirects=True, event_hooks={"request": [allowed]}
    ) as http:
        first = await _asked(http, address)
        address = str(first.url) if first is not None else address  # `www.` and `https` are where it leads
        robots = await _robots(http, address)
        if not robots.can_fetch(AGENT, address):
            raise Unreadable(f"{address}: its robots.txt does not allow it; ask the owner of the site")
        saved: list[Path] = []
        problems: list[str] = []
        waiting = list(dict.fromkeys([address, *[a async for a in _listed(http, robots, address)]]))
        seen = set(waiting)
        while waiting and len(saved) < most:
            here = waiting.pop(0)
            if not robots.can_fetch(AGENT, here):
                problems.append(f"{here}: not allowed by robots.txt, left out")
                continue
            try:
                kind, body = await _page(http, here)
            except (httpx.HTTPError, Unreadable) as error:
                if here == address:
                    raise Unreadable(f"{here}: {error or type(error).__name__}; check the address") from None
                problems.append(f"{here}: {error or type(error).__name__}, left out")
                continue
            path = folder / _name(here, kind)
            path.write_bytes(body)
            saved.append(path)
            if kind == ".html":
                found = [link for link in _links(here, body) if link not in seen]
                seen.update(found)
                waiting += found
        if waiting:
            problems.append(f"{address}: {len(waiting)} more pages, left out; raise --pages to read them")
        return saved, problems


async def _robots(http: httpx.AsyncClient, address: str) -> RobotFileParser:
    robots = RobotFileParser()
    answer = await _asked(http, urljoin(address, "/robots.txt"))
    robots.parse(answer.text.splitlines() if answer is not None and answer.status_code == 200 else [])
    return robots


async def _asked(http: httpx.AsyncClient, address: str) -> httpx.Response | None:
    """The answer of an address that need not be there."""
    try:
        return await http.get(address)
    except httpx.HTTPError:
        return None


async def _listed(http: httpx.AsyncClient, robots: RobotFileParser, address: str) -> AsyncIterator[str]:
    """The pages that the sitemaps of a site name."""
    waiting = robots.site_maps() or [urljoin(address, "/sitemap.xml")]
    for sitemap in waiting[:MOST_SITEMAPS]:
        answer = await _asked(http, sitemap)
        if answer is None or answer.status_code != 200:
            continue
        for place in _PLACE.findall(answer.content[:LARGEST_PAGE]):
            found = place.decode("utf-8", "replace").replace("&amp;", "&")
            if found.endswith(".xml") and len(waiting) < MOST_SITEMAPS:
                waiting.append(found)
            elif _is_page(found, address):
                yield found


def _is_page(found: str, address: str) -> bool:
    there = urlsplit(found)
    return (
        there.scheme in ("http", "https")
        and there.netloc == urlsplit(address).netloc
        and not _NO_PAGE.search(there.path)
    )


def _links(here: str, body: bytes) -> list[str]:
    """The pages of the same host that a page links to, each once, in order."""
    addresses = (urldefrag(urljoin(here, link.decode("utf-8", "replace")))[0] for link in _LINK.findall(body))
    return [found for found in dict.fromkeys(addresses) if _is_page(found, here)]


async def _page(http: httpx.AsyncClient, address: str) -> tuple[str, bytes]:
    """The ending of a page's file, and its bytes. Raises Unreadable for what is no page."""
    body = b""
    async with http.stream("GET", address) as answer:
        answer.raise_for_status()
        if not _is_page(str(answer.url), address):
            raise Unreadable("leads to another site")
        kind = _KINDS.get(answer.headers.get("content-type", "").split(";")[0].strip().lower(), "")
        if not kind:
            raise Unreadable("is no page of text")
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > LARGEST_PAGE:
                raise Unreadable(f"is larger than {LARGEST_PAGE // 1_000_000} MB")
    return kind, body


def _name(address: str, kind: str) -> str:
    """A file name that says where a page stands, and stays the same however often it is fetched."""
    there = urlsplit(address)
    said = re.sub(r"[^\w.-]+", "-", f"{there.netloc}{there.path}").strip("-")[:120]
    mark = hashlib.sha256(address.encode()).hexdigest()[:6] if there.query else ""
    return f"{said.removesuffix(kind)}{f'-{mark}' if mark else ''}{kind}"
