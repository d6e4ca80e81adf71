"""The report of a run: one self-contained page, written from the files of its run folder.

In: a run folder at any moment of its making. Out: report.html beside the recipe. No request leaves the page, no
script runs in it; colours follow the reader's light or dark setting.
"""

from __future__ import annotations

from pathlib import Path

from groundup.core.console import clock
from groundup.core.errors import ArtifactError
from groundup.core.files import write_bytes
from groundup.report import journey
from groundup.report.markup import Html, join, tag
from groundup.report.read import Run
from groundup.report.sections import data, findings, making, scores, tokens, training

SECTIONS = (journey, data, tokens, training, scores, findings, making)
# The page asks for nothing, so it may load nothing: even a slip in escaping could not call out.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write(run_folder: Path) -> Path:
    """Write report.html into the run folder; returns its path.

    Errors: ArtifactError when the folder does not exist.
    """
    run_folder = Path(run_folder)
    if not run_folder.is_dir():
        raise ArtifactError(f"{run_folder} is not a run folder.", repair="Make one with: groundup run demo")
    path = run_folder / "report.html"
    # Raw documents can hold lone surrogates, which UTF-8 cannot.
    write_bytes(path, render(Run(run_folder)).encode("utf-8", "replace"))
    return path


def render(run: Run) -> str:
    """The whole page as text."""
    sections = [made for made in (part.section(run) for part in SECTIONS) if made is not None]
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{run.name}: report"),
        tag("style", Html(style)),
    )
    problems = [tag("p", problem) for problem in dict.fromkeys(run.problems)]
    body = tag(
        "body",
        tag("a", "Skip to the content", href="#content", class_="skip"),
        _header(run, sections),
        tag("main", *(sections or [_empty()]), id="content"),
        tag("footer", tag("b", "Could not be read"), problems) if problems else None,
        tag("footer", f"Written by groundup from the files of {run.folder.resolve().name}/ only."),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en")


def _header(run: Run, sections: list[Html]) -> Html:
    figures = [*data.totals(run), *scores.figures(run)]
    seconds = making.total_seconds(run)
    if seconds:
        figures.append(("to make", clock(seconds)))
    shown = [tag("div", tag("dd", value), tag("dt", name)) for name, value in figures]
    names = [_title(section) for section in sections]
    links = [tag("a", name, href=f"#{anchor}") for anchor, name in names]
    return tag(
        "header",
        tag("p", "groundup report", class_="eyebrow"),
        tag("h1", run.name),
        tag("dl", shown, class_="figures") if shown else None,
        tag("nav", links, aria_label="Sections") if links else None,
    )


def _title(section: Html) -> tuple[str, str]:
    """The anchor and heading of a finished section."""
    anchor = section.split('id="', 1)[1].split('"', 1)[0]
    heading = section.split("<h2>", 1)[1].split("</h2>", 1)[0]
    return anchor, heading.removeprefix("The ").capitalize()


def _empty() -> Html:
    return tag(
        "section", join([tag("h2", "Nothing yet"), tag("p", "No stage of this run has finished.", class_="lead")])
    )
