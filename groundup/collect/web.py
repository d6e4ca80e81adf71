"""A polite crawler: web pages of one site (and hosts that the recipe names) as documents.

In: from = "https://..." and the `web` table. Order: breadth first from the start page, then the site's sitemaps.
Polite: robots.txt is read first and obeyed (RFC 9309: 4xx allows all, 5xx and silence forbid all), one request at a
time, a delay between requests to a host, budgets of pages and bytes, a limit a host, a depth. Every page not read is
a line in problems.jsonl with the reason.

Resume: each answer goes to the cache folder before it is used, and its address to `journal.jsonl`. A crawl that was
killed walks the same way again and takes from the cache what its journal holds. With `web.cache` the answers also
outlive the run: the next crawl asks with If-None-Match and If-Modified-Since and pays nothing for pages that stayed.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import time
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit, urlunsplit

from groundup.collect.base import Found, Problem, read_inside
from groundup.collect.fetch import Answer, Fetcher, FetchProblem
from groundup.collect.formats import load
from groundup.collect.formats.warc import READERS, as_utf8
from groundup.collect.options import SourceOptions
from groundup.core.document import Document
from groundup.core.errors import DataError, Interrupted, MissingExtra
from groundup.core.files import write_bytes

MAX_REDIRECTS = 5  # RFC 9309 asks for at least five for robots.txt; pages rarely need more than two
MAX_SITEMAPS = 50  # files of a sitemap index; taste
SITEMAP_BYTES = 50_000_000  # the limit of sitemaps.org
_LINK = re.compile(
    r"<a\b[^>]{0,1000}?\bhref\s{0,5}=\s{0,5}(?:\"([^\"]{1,2000})\"|'([^']{1,2000})'|([^\s\"'>]{1,2000}))", re.IGNORECASE
)
_BASE = re.compile(r"<base\b[^>]{0,200}?\bhref\s{0,5}=\s{0,5}[\"']([^\"']{1,2000})", re.IGNORECASE)
_ROBOTS_META = re.compile(
    r"<meta\b[^>]{0,100}\bname=[\"']?robots[\"']?[^>]{0,100}\bcontent=[\"']([^\"']{1,200})", re.IGNORECASE
)
_LOC = re.compile(r"<loc>\s{0,99}([^<\s]{1,2000})\s{0,99}</loc>", re.IGNORECASE)
_NO_PAGE = re.compile(
    r"\.(?:jpe?g|png|gif|svg|webp|ico|css|js|mp[34]|avi|mov|zip|gz|tgz|exe|dmg|woff2?|ttf)\Z", re.IGNORECASE
)


def documents_of_site(
    name: str, options: SourceOptions, folder: Path, stop: Callable[[], bool] = lambda: False
) -> Iterator[Document | Problem]:
    """The pages of the site that `options.from_` opens. folder: journal (and cache, where `web.cache` is not set)."""
    try:
        import protego  # noqa: F401
    except ImportError:
        raise MissingExtra("protego", "data", "Reading web pages") from None
    load()
    crawl = _Crawl(name, options, folder, stop)
    count = 0
    try:
        for item in crawl.run():
            yield item
            count += isinstance(item, Document)
            if options.count is not None and count >= options.count:
                return
    finally:
        crawl.fetcher.close()


class _Crawl:
    """The state of one crawl: what is known, what is next, what was spent."""

    def __init__(self, name: str, options: SourceOptions, folder: Path, stop: Callable[[], bool]) -> None:
        self.name, self.options, self.web, self.stop = name, options, options.web, stop
        self.fetcher = Fetcher(
            user_agent=self.web.user_agent,
            timeout_seconds=self.web.timeout_seconds,
            allow_private=self.web.allow_private,
        )
        folder.mkdir(parents=True, exist_ok=True)
        self.cache = Path(self.web.cache).expanduser() if self.web.cache else folder / "cache"
        self.journal = folder / "journal.jsonl"
        self.done = _read_journal(self.journal)
        self.start = normal(options.from_)
        self.hosts = {urlsplit(self.start).netloc, *self.web.hosts}
        self.robots: dict[str, Any] = {}  # scheme://host -> rules, or None: all forbidden
        self.last_request: dict[str, float] = {}
        self.by_host: Counter[str] = Counter()
        self.pages = self.bytes = 0

    def run(self) -> Iterator[Document | Problem]:
        """Breadth first; a page found twice is read once."""
        queue: deque[tuple[str, int]] = deque([(self.start, 0)])
        seen = {self.start}
        with_sitemaps = self.web.sitemaps
        while queue or with_sitemaps:
            if not queue:
                with_sitemaps = False
                fresh = [url for url in self._sitemap_pages() if url not in seen and self._is_inside(url)]
                seen.update(fresh)
                queue.extend((url, self.web.max_depth) for url in dict.fromkeys(fresh))
                continue
            if self.stop():
                raise Interrupted("Stopped while reading web pages; run the same command again to go on.")
            url, depth = queue.popleft()
            if self._is_spent():
                yield Problem(
                    self.start, "budget", f"{len(queue) + 1} known pages not read: budget of pages or bytes spent"
                )
                return
            if self.by_host[urlsplit(url).netloc] >= self.web.max_pages_per_host:
                yield Problem(url, "budget", f"more than {self.web.max_pages_per_host} pages of this host")
                continue
            try:
                place, answer = self._page(url)
                if place != url and place in seen:
                    continue  # a redirect to a page that is read anyway
                seen.add(place)
            except FetchProblem as problem:
                if url == self.start and not self.pages:
                    raise DataError(
                        f"[collect.{self.name}]: {url} cannot be read: {problem.problem} ({problem.detail}).",
                        repair="Look at the address; web.allow_private = true allows addresses of your own network.",
                    ) from None
                yield Problem(url, problem.problem, problem.detail)
                continue
            self.pages += 1
            self.by_host[urlsplit(url).netloc] += 1
            self.bytes += len(answer.body)
            rules = _page_rules(answer)
            if depth < self.web.max_depth and "nofollow" not in rules:
                for link in links(answer, place):
                    if link not in seen and self._is_inside(link):
                        seen.add(link)
                        queue.append((link, depth + 1))
            if "noindex" in rules or "none" in rules:
                yield Problem(url, "noindex", "the page asks not to be kept")
            else:
                yield from self._documents(place, answer)

    def _is_spent(self) -> bool:
        return self.pages >= self.web.max_pages or self.bytes >= self.web.max_total_bytes

    def _is_inside(self, url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and parts.netloc in self.hosts and not _NO_PAGE.search(parts.path)

    def _page(self, url: str) -> tuple[str, Answer]:
        """(address after redirects, answer with status 200) of a page; each step is checked like a first one."""
        for _ in range(MAX_REDIRECTS + 1):
            rules = self._rules(url)
            if rules is None or not rules.can_fetch(url, self.web.user_agent):
                raise FetchProblem("forbidden", "robots.txt does not allow it")
            answer = self._get(url, self.options.max_bytes)
            if answer.status in (301, 302, 303, 307, 308) and "location" in answer.headers:
                url = normal(urljoin(url, answer.headers["location"]))
                if urlsplit(url).netloc not in self.hosts:
                    raise FetchProblem("leads_elsewhere", f"redirects to {url[:200]}; name the host in web.hosts")
                continue
            if answer.status != 200:
                raise FetchProblem(f"http_{answer.status}")
            return url, answer
        raise FetchProblem("redirects", f"more than {MAX_REDIRECTS}")

    def _rules(self, url: str) -> Any:
        """The robots rules of the address's host; None forbids everything there."""
        from protego import Protego

        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        if site not in self.robots:
            place = f"{site}/robots.txt"
            text: str | None = None
            try:
                for _ in range(MAX_REDIRECTS + 1):
                    answer = self._get(place, 500_000)
                    if not (300 <= answer.status < 400 and "location" in answer.headers):
                        if answer.status < 500:
                            text = answer.body.decode("utf-8", "replace") if answer.status == 200 else ""
                        break
                    place = normal(urljoin(place, answer.headers["location"]))
            except FetchProblem as problem:
                if problem.problem == "private_address":
                    raise
            self.robots[site] = None if text is None else Protego.parse(text)
        return self.robots[site]

    def _get(self, url: str, max_bytes: int) -> Answer:
        """From the journal's cache, else asked for politely; conditional where an older answer is at hand."""
        if url in self.done:
            kept = self._cached(url)
            if kept is not None:
                return kept
        old = self._cached(url)
        conditions = {}
        if old is not None and "etag" in old.headers:
            conditions["If-None-Match"] = old.headers["etag"]
        if old is not None and "last-modified" in old.headers:
            conditions["If-Modified-Since"] = old.headers["last-modified"]
        answer = self._asked(url, max_bytes, conditions)
        if answer.status == 304 and old is not None:
            answer = old
        else:
            self._keep(url, answer)
        self.done.add(url)
        with open(self.journal, "a", encoding="utf-8") as file:
            file.write(json.dumps(url) + "\n")
        return answer

    def _asked(self, url: str, max_bytes: int, headers: dict[str, str]) -> Answer:
        """One request after the delay; a busy or silent server (429, 503, no answer) gets one more, later."""
        for attempt in (0, 1):
            self._wait(url, extra=attempt * self.web.retry_seconds)
            try:
                answer = self.fetcher.get(url, max_bytes=max_bytes, headers=headers)
            except FetchProblem as problem:
                if attempt or problem.problem not in ("timeout", "no_answer"):
                    raise
                continue
            if attempt or answer.status not in (429, 503):
                return answer
        raise FetchProblem("no_answer", "two tries")

    def _wait(self, url: str, extra: float) -> None:
        host = urlsplit(url).netloc
        rules = self.robots.get(f"{urlsplit(url).scheme}://{host}")
        asked = rules.crawl_delay(self.web.user_agent) if rules is not None else None
        delay = max(self.web.delay_seconds, min(float(asked or 0), 60.0)) + extra  # no site may hold us longer
        until = self.last_request.get(host, -delay) + delay
        while (left := until - time.monotonic()) > 0:
            if self.stop():
                raise Interrupted("Stopped while reading web pages; run the same command again to go on.")
            time.sleep(min(left, 0.5))
        self.last_request[host] = time.monotonic()

    def _cached(self, url: str) -> Answer | None:
        try:
            data = (self.cache / _file_name(url)).read_bytes()
            head, _, body = data.partition(b"\n")
            values = json.loads(head)
            return Answer(int(values["status"]), values["headers"], zlib.decompress(body))
        except (OSError, ValueError, KeyError, zlib.error):
            return None

    def _keep(self, url: str, answer: Answer) -> None:
        head = json.dumps({"url": url, "status": answer.status, "headers": dict(answer.headers)})
        write_bytes(self.cache / _file_name(url), head.encode() + b"\n" + zlib.compress(answer.body, 6))

    def _sitemap_pages(self) -> Iterator[str]:
        """Addresses in the sitemaps that robots.txt names, else in /sitemap.xml; an index leads to further files."""
        rules = self._rules(self.start)
        if rules is None:
            return
        parts = urlsplit(self.start)
        named = list(rules.sitemaps) or [f"{parts.scheme}://{parts.netloc}/sitemap.xml"]
        waiting, count = deque(normal(url) for url in named), 0
        known = set(waiting)
        while waiting and count < MAX_SITEMAPS and not self._is_spent():
            count += 1
            try:
                _, answer = self._page(waiting.popleft())
            except FetchProblem:
                continue  # a sitemap is an offer; without it the links remain
            body = answer.body
            if body[:2] == b"\x1f\x8b":
                try:
                    body = zlib.decompressobj(47).decompress(body, SITEMAP_BYTES)
                except zlib.error:
                    continue
            text = body[:SITEMAP_BYTES].decode("utf-8", "replace")
            pages = [normal(html.unescape(url)) for url in _LOC.findall(text)]
            if "<sitemapindex" in text[:2000]:
                inside = [url for url in pages if urlsplit(url).netloc in self.hosts and url not in known]
                known.update(inside)
                waiting.extend(inside)
            else:
                yield from pages

    def _documents(self, url: str, answer: Answer) -> Iterator[Document | Problem]:
        content_type = answer.headers.get("content-type", "text/html")
        suffix = READERS.get(content_type.split(";")[0].strip().lower())
        if suffix is None:
            yield Problem(url, "no_text", content_type[:100])
            return
        body = as_utf8(answer.body, content_type)
        for item in read_inside(suffix, url, body, self.options):
            if isinstance(item, Problem):
                yield item
            elif item.text.strip():
                yield self._document(url, item, answer)
            else:
                yield Problem(url, "empty", "no text")

    def _document(self, url: str, found: Found, answer: Answer) -> Document:
        return Document(
            text=found.text,
            source=self.name,
            path=f"{url}#{found.part}" if found.part else url,
            licence=found.licence or self.options.licence,
            language=found.language or self.options.language,
            date=found.date or _date(answer.headers.get("last-modified", "")),
            meta={"kind": found.kind, **found.meta, "url": url},
        )


def normal(url: str) -> str:
    """One spelling an address: host in lower case, no fragment, no default port, a path."""
    parts = urlsplit(urldefrag(url.strip()).url)
    netloc = parts.netloc.lower()
    for scheme, port in (("http", ":80"), ("https", ":443")):
        if parts.scheme == scheme:
            netloc = netloc.removesuffix(port)
    return urlunsplit((parts.scheme.lower(), netloc, parts.path or "/", parts.query, ""))


def links(answer: Answer, url: str) -> list[str]:
    """The addresses that a page links to, normal, in its order, each once."""
    if "html" not in answer.headers.get("content-type", "text/html"):
        return []
    text = answer.body.decode("utf-8", "replace")
    base = _BASE.search(text[:20_000])
    root = urljoin(url, html.unescape(base.group(1))) if base else url
    found = []
    for groups in _LINK.findall(text):
        try:
            found.append(normal(urljoin(root, html.unescape(next(filter(None, groups))).strip())))
        except ValueError:
            continue  # no address: "http://[", as written in templates
    return list(dict.fromkeys(found))


def _page_rules(answer: Answer) -> set[str]:
    """What the page itself asks of robots: "noindex", "nofollow"."""
    said = answer.headers.get("x-robots-tag", "")
    match = _ROBOTS_META.search(answer.body[:20_000].decode("utf-8", "replace"))
    return set(re.split(r"[\s,;:]+", f"{said},{match.group(1) if match else ''}".lower()))


def _file_name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:40]


def _read_journal(path: Path) -> set[str]:
    """Addresses read before the kill; a line cut off by it does not count."""
    done: set[str] = set()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                done.add(json.loads(line))
            except ValueError:
                continue
    return done


def _date(value: str) -> str:
    try:
        return parsedate_to_datetime(value).date().isoformat() if value else ""
    except ValueError:
        return ""
