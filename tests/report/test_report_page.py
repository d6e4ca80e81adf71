"""The report says what the files say, in any state of a run, and nothing in a document can write into it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fabricated_run import fabricate, write_events

from groundup.core.document import Document, write_documents
from groundup.core.errors import ArtifactError
from groundup.report import write
from groundup.report.charts import smooth, thin, ticks
from groundup.report.journey import word_difference
from groundup.report.markup import Html, tag

VOID = {"meta", "br", "line", "rect", "circle", "path", "polyline"}


class Balance(HTMLParser):
    """Every opened element is closed, in order; collects text and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(name)
        self.attributes += [(key, value or "") for key, value in attributes]
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(name)

    def handle_endtag(self, name: str) -> None:
        if name not in VOID:
            assert self.open.pop() == name

    def handle_data(self, data: str) -> None:
        self.text += data


def read(path: Path) -> Balance:
    page = Balance()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fabricate(tmp_path_factory.mktemp("runs") / "demo", count=150)


def test_a_finished_run_has_every_section(whole: Path) -> None:
    page = read(write(whole))
    sections = [value for key, value in page.attributes if key == "id"]
    assert {"journey", "data", "tokenizer", "training", "scores", "findings", "making"} <= set(sections)
    assert sections.index("journey") < sections.index("data") < sections.index("making")


def test_the_journey_goes_from_raw_text_to_the_source(whole: Path) -> None:
    page = write(whole).read_text(encoding="utf-8")
    journey = page.split('id="journey"')[1].split('id="data"')[0]
    titles = re.findall(r"<h3>(.*?)</h3>", journey)
    assert titles == ["Raw", "Clean", "Tokens", "Surprise", "Question", "Back to the source"]
    assert "<del>" in journey and "EMAIL" in journey and "CC0-1.0" in journey
    assert journey.count('class="chip') > 20 and re.search(r"<small>\d+</small>", journey)


def test_the_journey_follows_a_test_document_that_was_asked_about(tmp_path: Path) -> None:
    from groundup.core.split import split_of
    from groundup.report.read import Run

    folder = fabricate(tmp_path / "demo", count=150)
    run = Run(folder)
    # Pretraining followed a document that evaluation asked about.
    assert _journey_id(folder) == run.json("4_pretrain/journey.json")["documents"][0]["document_id"]
    (folder / "4_pretrain" / "journey.json").unlink()
    rows = {row["document_id"]: row for row in run.rows("6_evaluate/items/stories_answers.jsonl.zst")}
    chosen = _journey_id(folder)
    assert split_of(chosen) == "test" and rows[chosen]["marks"]["exact_match"] == 1.0
    journey = write(folder).read_text(encoding="utf-8").split('id="journey"')[1].split('id="data"')[0]
    assert "Asked after training." in journey and "another" not in journey


def _journey_id(folder: Path) -> str:
    journey = write(folder).read_text(encoding="utf-8").split('id="journey"')[1].split('id="data"')[0]
    found = re.search(r"<dt>Document id</dt><dd>(\w+)</dd>", journey)
    assert found
    return found.group(1)


def test_the_data_statement_and_the_tuning_curves_are_shown(whole: Path) -> None:
    text = read(write(whole)).text
    assert "Data statement" in text and "CC0-1.0" in text
    assert "Tuning: chat" in text and "Held-out answers" in text
    assert "on held-out answers at the end" in text


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.1, 0.0, 0.2, "Below the simple rival. "),
        (0.3, 0.2, 0.4, "Not clearly above the simple rival. "),
        (0.9, 0.8, 1.0, ""),
    ],
)
def test_a_score_not_above_its_rival_says_so(value: float, low: float, high: float, words: str) -> None:
    from groundup.core.score import Score
    from groundup.report.sections.scores import verdict

    assert verdict(Score("task", "accuracy", value, low, high, 50, baseline=0.3)) == words
    turned = Score("task", "loss", 1 - value, 1 - high, 1 - low, 50, baseline=0.7, higher_is_better=False)
    assert verdict(turned) == words


def test_what_was_dropped_is_counted_and_shown_with_its_reason(whole: Path) -> None:
    text = read(write(whole)).text
    assert "near duplicate by duplicates, 15 documents" in text
    assert "Why: letters 0.12 < 0.60" in text
    assert "What was changed, 1 examples" in text and "text mojibake: story 0" in text


def test_a_score_at_chance_says_so_and_shows_its_rivals(whole: Path) -> None:
    text = read(write(whole)).text
    assert "At chance. coin 0.5, chance 0.5, 160 items" in text
    assert "question only 0.21" in text and "Gate closed." in text


@pytest.mark.parametrize(
    "missing",
    [
        ("8_release",),
        ("6_evaluate", "7_audit", "8_release"),
        ("5_finetune/chat", "6_evaluate", "7_audit", "8_release"),
        ("3_tokenizer", "4_pretrain", "5_finetune/chat", "6_evaluate", "7_audit", "8_release"),
        ("2_clean", "3_tokenizer", "4_pretrain", "5_finetune/chat", "6_evaluate", "7_audit", "8_release"),
    ],
)
def test_a_run_cut_off_anywhere_still_has_a_report(tmp_path: Path, missing: tuple[str, ...]) -> None:
    page = read(write(fabricate(tmp_path / "half", count=120, without=missing)))
    assert "half" in page.text or "demo" in page.text
    assert "Could not be read" not in page.text


def test_an_empty_folder_says_that_nothing_is_there_yet(tmp_path: Path) -> None:
    assert "No stage of this run has finished." in read(write(tmp_path)).text


def test_a_damaged_file_is_named_and_the_rest_is_shown(tmp_path: Path) -> None:
    folder = fabricate(tmp_path / "demo", count=120)
    (folder / "6_evaluate" / "scores.json").write_text("{", encoding="utf-8")
    (folder / "2_clean" / "dropped" / "stories-00000.parquet").write_bytes(b"PAR1 broken")
    (folder / "7_audit" / "manifest.json").write_text("[]", encoding="utf-8")
    text = read(write(folder)).text
    assert "Could not be read" in text and "scores.json" in text and "The training" in text


def test_no_folder_is_an_error_with_a_repair(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="groundup run demo"):
        write(tmp_path / "nowhere")


def test_the_page_asks_for_nothing(whole: Path) -> None:
    page = read(write(whole))
    assert "script" not in page.tags and "img" not in page.tags and "link" not in page.tags
    links = [value for key, value in page.attributes if key in ("href", "src", "action")]
    assert all(link.startswith("#") for link in links)
    assert not [key for key, _ in page.attributes if key.startswith("on")]


def test_a_document_cannot_write_into_the_page(tmp_path: Path) -> None:
    folder = fabricate(tmp_path / "demo", count=120, without=("2_clean", "3_tokenizer", "4_pretrain"))
    evil = '</div><script>alert(1)</script><img src=x onerror="alert(2)"> \ud800 \x00 &lt;'
    write_documents(
        folder / "1_collect" / "documents" / "stories-00000.parquet", [Document(evil, 's"><b>', "p' onx=1")]
    )
    page = read(write(folder))
    assert "script" not in page.tags and "img" not in page.tags and "<script>alert(1)</script>" in page.text


def test_a_tag_escapes_text_and_attributes_and_keeps_markup() -> None:
    assert tag("p", "1 < 2", Html("<b>x</b>"), title='"&') == '<p title="&quot;&amp;">1 &lt; 2<b>x</b></p>'


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a b c", "a c", "a <del>b </del>c"),
        ("a", "a b", "a<ins> b</ins>"),
        ("same", "same", "same"),
        ("x <i>", "x", "x<del> &lt;i&gt;</del>"),
    ],
)
def test_the_difference_is_told_word_by_word(before: str, after: str, expected: str) -> None:
    assert word_difference(before, after) == expected


def test_thinning_keeps_spikes_and_smoothing_keeps_constants() -> None:
    points = [(float(step), 1.0) for step in range(5000)]
    points[2500] = (2500.0, 9.0)
    assert len(thin(points)) <= 602 and (2500.0, 9.0) in thin(points)
    assert all(abs(y - 1) < 1e-9 for _, y in smooth(points[:2000]))


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1.6, 8.4), (-3.0, 1e6), (0.70001, 0.70009)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    assert all(low - 1e-9 * abs(low) <= value <= high + 1e-9 * abs(high) for value in found)


def test_a_half_written_line_of_metrics_is_left_out(tmp_path: Path) -> None:
    folder = fabricate(tmp_path / "demo", count=120)
    with open(folder / "4_pretrain" / "metrics.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 601, "lo')
    write_events(folder)
    assert "599 steps" in read(write(folder)).text


def test_the_funnel_follows_the_recipe_and_adds_up(whole: Path) -> None:
    page = write(whole).read_text(encoding="utf-8")
    funnel = page.split('class="funnel"')[1].split("<h3>")[0]
    steps = re.findall(r'class="name">([^<]+)<', funnel)
    written = [step["step"] for step in json.loads((whole / "2_clean" / "clean.json").read_text())["steps"]]
    assert (steps[0], steps[-1]) == ("collected", "kept")
    assert [step for step in written if step in steps] == [step for step in steps[1:-1] if step in written]
    amounts = [int(number.replace(",", "")) for number in re.findall(r'class="amount[^"]*">(-?[\d,]+)<', funnel)]
    assert sum(amounts[:-1]) == amounts[-1], "what came in less what was taken out is what was kept"


def test_the_statement_is_a_table_of_sources_and_bars() -> None:
    from groundup.report.sections.statement import _bars, _spans

    assert _spans({"2": 1, "16": 2, "64": 3, "131072": 4}) == {"under 32": 3, "64 to 127": 3, "65,536 and more": 4}
    bars = str(_bars("Languages", {f"l{number}": 100 - number for number in range(20)}))
    assert "13 others" in bars and "l6" in bars and "l7" not in bars
    assert _bars("Kinds", {"prose": 3}) is None, "one value needs no picture"
