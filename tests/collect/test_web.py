"""The crawler against a small site on this machine: what it reads, what it leaves alone, what it survives."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from groundup.collect import stage
from groundup.collect.base import Problem
from groundup.collect.fetch import Fetcher, FetchProblem, is_public
from groundup.collect.options import SourceOptions
from groundup.collect.web import documents_of_site, normal
from groundup.core.console import Console
from groundup.core.document import read_documents
from groundup.core.errors import DataError
from groundup.core.stage import Context


def page(title, *hrefs, head=""):
    listed = "".join(f'<a href="{href}">{href}</a>' for href in hrefs)
    return f"<html><head><title>{title}</title>{head}</head><body><p>The text of {title}.</p>{listed}</body></html>"


class Site:
    """path -> (status, headers, body); counts the requests, and when they came."""

    def __init__(self):
        self.pages = {"/robots.txt": (200, {}, "User-agent: *\nDisallow: /closed\nSitemap: {base}/map.xml\n")}
        self.requests = Counter()
        self.times = []
        self.conditional = Counter()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                site.requests[self.path] += 1
                site.times.append(time.monotonic())
                status, headers, body = site.pages.get(self.path, (404, {}, "nothing here"))
                if callable(body):
                    return body(self)
                if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
                    site.conditional[self.path] += 1
                    status, body = 304, ""
                data = body.replace("{base}", site.base).encode() if isinstance(body, str) else body
                self.send_response(status)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value.replace("{base}", site.base))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def add(self, path, body, status=200, **headers):
        self.pages[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.fixture
def site():
    made = Site()
    yield made
    made.server.shutdown()
    made.server.server_close()


def source(site, start="/", max_bytes=5000, **web):
    table = {"allow_private": True, "delay_seconds": 0, "retry_seconds": 0, "timeout_seconds": 0.5, **web}
    return SourceOptions(**{"from": site.base + start, "max_bytes": max_bytes, "web": table})


def crawl(site, folder, start="/", **web):
    """(titles in order, path -> problem)."""
    items = list(documents_of_site("mine", source(site, start, **web), folder))
    problems = {i.path.removeprefix(site.base): i.problem for i in items if isinstance(i, Problem)}
    return [i.meta["title"] for i in items if not isinstance(i, Problem)], problems


def test_pages_are_read_breadth_first_with_their_address_and_date(site, tmp_path):
    site.add("/", page("home", "/a", "b#part", "/a", "https://elsewhere.example/"))
    site.add("/a", page("a", "/deep"), Last_Modified="Wed, 31 Jan 2024 10:00:00 GMT")
    site.add("/b", page("b"))
    site.add("/deep", page("deep", "/deeper"))
    site.add("/deeper", page("deeper"))
    assert crawl(site, tmp_path / "1", max_depth=2) == (["home", "a", "b", "deep"], {})
    items = list(documents_of_site("mine", source(site), tmp_path / "2"))
    found = {item.path: item for item in items}
    assert found[f"{site.base}/a"].date == "2024-01-31"
    assert found[f"{site.base}/b"].meta["kind"] == "html"


def test_robots_and_the_pages_own_wishes_are_obeyed(site, tmp_path):
    site.add("/", page("home", "/closed/x", "/quiet", "/last"))
    site.add("/closed/x", page("closed"))
    site.add("/quiet", page("quiet", "/last", head='<meta name="robots" content="noindex, nofollow">'))
    site.add("/last", page("last"), X_Robots_Tag="noindex")
    titles, problems = crawl(site, tmp_path)
    assert titles == ["home"]
    assert problems == {"/closed/x": "forbidden", "/quiet": "noindex", "/last": "noindex"}
    assert site.requests["/closed/x"] == 0


def test_a_site_whose_robots_file_fails_is_not_read(site, tmp_path):
    site.add("/robots.txt", "broken", status=500)
    site.add("/", page("home"))
    with pytest.raises(DataError, match=r"robots\.txt"):
        crawl(site, tmp_path)
    assert site.requests["/"] == 0


def test_a_crawl_delay_is_kept(site, tmp_path):
    site.add("/robots.txt", "User-agent: *\nCrawl-delay: 0.2\n")
    site.add("/", page("home", "/a"))
    site.add("/a", page("a"))
    crawl(site, tmp_path, sitemaps=False)
    gaps = [after - before for before, after in zip(site.times[1:], site.times[2:], strict=False)]
    assert len(gaps) == 1
    assert min(gaps) >= 0.19


def test_sitemaps_and_their_indexes_lead_to_pages_without_links(site, tmp_path):
    site.add("/", page("home"))
    site.add("/map.xml", "<sitemapindex><sitemap><loc>{base}/inner.xml</loc></sitemap></sitemapindex>")
    site.add("/inner.xml", "<urlset><url><loc>{base}/island?a=1&amp;b=2</loc></url></urlset>")
    site.add("/island?a=1&b=2", page("island"))
    assert crawl(site, tmp_path / "1")[0] == ["home", "island"]
    assert crawl(site, tmp_path / "2", sitemaps=False)[0] == ["home"]


def test_redirects_are_followed_inside_the_site_and_checked_at_each_step(site, tmp_path):
    site.add("/", page("home", "/old", "/out", "/loop", "/to-closed"))
    site.add("/old", "", status=301, Location="/new")
    site.add("/new", page("new"))
    site.add("/out", "", status=302, Location="http://elsewhere.example/")
    site.add("/loop", "", status=302, Location="/loop")
    site.add("/to-closed", "", status=302, Location="/closed/x")
    titles, problems = crawl(site, tmp_path)
    assert titles == ["home", "new"]
    assert problems == {"/out": "leads_elsewhere", "/loop": "redirects", "/to-closed": "forbidden"}


def slow(handler):
    time.sleep(1.0)
    handler.send_response(200)
    handler.end_headers()


def broken(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this")
    handler.close_connection = True


def test_bad_answers_are_problems_and_the_rest_is_read(site, tmp_path):
    site.add("/", page("home", "/missing", "/slow", "/broken", "/image", "/huge", "/good"))
    site.add("/slow", slow)
    site.add("/broken", broken)
    site.add("/image", b"\x89PNG", Content_Type="image/png")
    site.add("/huge", page("x" * 9000))
    site.add("/good", page("good"))
    titles, problems = crawl(site, tmp_path)
    assert titles == ["home", "good"]
    assert problems == {
        "/missing": "http_404", "/huge": "too_large", "/slow": "timeout", "/broken": "no_answer", "/image": "no_text"
    }  # fmt: skip
    assert site.requests["/slow"] == 2


def test_a_busy_server_is_asked_again(site, tmp_path):
    site.add("/", page("home"), status=503)
    with pytest.raises(DataError, match="http_503"):
        crawl(site, tmp_path)
    assert site.requests["/"] == 2


def test_budgets_end_the_crawl_and_say_so(site, tmp_path):
    site.add("/", page("home", *[f"/{number}" for number in range(9)]))
    for number in range(9):
        site.add(f"/{number}", page(str(number)))
    assert crawl(site, tmp_path / "1", max_pages=4) == (["home", "0", "1", "2"], {"/": "budget"})
    assert len(crawl(site, tmp_path / "2", max_total_bytes=700)[0]) < 9
    titles, problems = crawl(site, tmp_path / "3", max_pages_per_host=2)
    assert titles == ["home", "0"]
    assert set(problems.values()) == {"budget"}


def test_a_second_crawl_with_a_cache_asks_conditionally(site, tmp_path):
    site.add("/", page("home"), ETag='"1"')
    for folder in ("1", "2"):
        assert crawl(site, tmp_path / folder, cache=str(tmp_path / "cache"))[0] == ["home"]
    assert site.requests["/"] == 2
    assert site.conditional["/"] == 1


def test_a_killed_crawl_goes_on_without_asking_again_and_ends_with_the_same_documents(site, tmp_path):
    site.add("/", page("home", "/a", "/b"))
    site.add("/a", page("a"))
    site.add("/b", page("b"))
    options, context = {"mine": source(site)}, Context(seed=1, console=Console(quiet=True))
    whole = documents_of_site("mine", options["mine"], tmp_path / "out" / ".sources" / "mine" / "web")
    next(whole)
    next(whole)
    whole.close()  # killed after two pages
    counts = stage.run(options, {}, tmp_path / "out", context)
    assert counts["documents"] == 3
    assert [item.meta["title"] for item in read_documents(tmp_path / "out" / "documents")] == ["home", "a", "b"]
    assert site.requests["/"] == site.requests["/a"] == site.requests["/b"] == 1


def test_addresses_inside_the_network_are_refused(site, tmp_path):
    site.add("/", page("home"))
    with pytest.raises(DataError, match="private_address"):
        crawl(site, tmp_path, allow_private=False)
    assert not site.requests


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
     "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "2002:7f00:0001::", "64:ff9b::7f00:1", "not an address"],
)  # fmt: skip
def test_no_private_address_counts_as_public(address):
    assert not is_public(address)


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    answers = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: answers)
    fetcher = Fetcher(user_agent="x", timeout_seconds=1, allow_private=False)
    with pytest.raises(FetchProblem, match="private_address"):
        fetcher.get("http://rebinding.example/", max_bytes=10)


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://user:word@a.example/", "http:///x", "http://a.example:x/"])
def test_odd_addresses_are_refused(url):
    with pytest.raises(FetchProblem, match="bad_address"):
        Fetcher(user_agent="x", timeout_seconds=1, allow_private=True).get(url, max_bytes=10)


def test_one_spelling_an_address():
    assert normal("HTTP://A.Example:80#x") == "http://a.example/"
    assert normal("https://a.example/Path?q=1#part") == "https://a.example/Path?q=1"
