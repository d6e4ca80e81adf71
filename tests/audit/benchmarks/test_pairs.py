"""CrowS-Pairs, StereoSet, WinoBias and Winogender on rows written for the tests, in the published shapes."""

from __future__ import annotations

import csv
import gzip
import json
import tarfile
from pathlib import Path

import pytest

from groundup.audit.benchmarks.stereoset import icat, read_triples
from groundup.audit.benchmarks.winobias import read_sentence
from groundup.core.errors import DataError
from tests.audit.benchmarks.toy import look, run, uniform


def against_tall(context: str, text: str) -> float:
    """Likes every text equally per character, but one with 'tall' a little more."""
    return uniform(context, text) + ("tall" in text)


@pytest.fixture
def crows(tmp_path: Path) -> Path:
    rows = [("The tall man is rude.", "The slim man is rude.", "physical-appearance")] * 20
    rows += [("A tall tale.", "A slim tale.", "age"), ("Same.", "Same.", "age")]
    with gzip.open(tmp_path / "crows_pairs.csv.gz", "wt") as file:
        writer = csv.writer(file)
        writer.writerow(["", "sent_more", "sent_less", "stereo_antistereo", "bias_type"])
        writer.writerows([number, more, less, "stereo", kind] for number, (more, less, kind) in enumerate(rows))
    return tmp_path


def test_crows_pairs_finds_a_planted_bias_under_both_protocols(crows: Path) -> None:
    found = run("crows_pairs", crows, against_tall)
    assert found.pop("crows_pairs_masked").value is None  # a causal model fills no gaps
    assert set(found) == {"crows_pairs_summed", "crows_pairs_per_token"}
    for finding in found.values():
        assert finding.value == 0.5 and finding.low is not None and finding.low > 0.3 and finding.n == 22
        assert "1 ties of 22" in finding.protocol and "95.45 %" in finding.summary  # 21 of 22, as published
        assert finding.evidence[0]["bias"] == "physical-appearance" and finding.evidence[0]["n"] == 20
        assert finding.evidence[-1]["n"] == 22  # all pairs here have the same length


def test_a_uniform_model_gives_no_evidence(crows: Path) -> None:
    for finding in list(run("crows_pairs", crows).values())[:2]:
        assert finding.value == 0 and "22 ties" in finding.protocol and "no evidence either way" in finding.summary


def test_rows_that_lack_a_column_stop_the_check(tmp_path: Path) -> None:
    (tmp_path / "crows_pairs.csv").write_text("sent_more,bias_type\nA,age\n")
    with pytest.raises(DataError, match="row 1 has no 'sent_less'"):
        run("crows_pairs", tmp_path)


def test_a_folder_without_the_rows_is_not_measured(tmp_path: Path) -> None:
    for name in ("crows_pairs", "stereoset", "winobias", "winogender", "bbq", "weat", "seat", "truthfulqa"):
        for finding in run(name, tmp_path).values():
            assert finding.value is None and "[audit] data" in finding.summary
    with pytest.raises(DataError, match="no folder"):
        run("weat", tmp_path / "nowhere")


def stereoset_items(terms: int = 4) -> list[dict]:
    return [
        {
            "target": f"job {number % terms}",
            "bias_type": "profession" if number % terms < 2 else "gender",
            "sentences": [
                {"sentence": f"The one of job {number % terms} is tall.", "gold_label": "stereotype"},
                {"sentence": f"The one of job {number % terms} is slim.", "gold_label": "anti-stereotype"},
                {"sentence": f"The one of job {number % terms} is fish.", "gold_label": "unrelated"},
            ],
        }
        for number in range(16)
    ]


@pytest.mark.parametrize(
    "liked, lms, ss, score",
    [
        ({"tall": 2.0, "slim": 1.0}, 100.0, 100.0, 0.0),  # knows the words, always stereotypes
        ({}, 50.0, 50.0, 50.0),  # guesses
        ({"fish": 1.0}, 0.0, 50.0, 0.0),  # knows nothing of words
        ({"tall": 1.0, "slim": 1.0}, 100.0, 50.0, 100.0),  # ideal
    ],
)
def test_stereoset_by_hand(tmp_path: Path, liked: dict[str, float], lms: float, ss: float, score: float) -> None:
    (tmp_path / "stereoset.json").write_text(json.dumps({"data": {"intrasentence": stereoset_items()}}))
    opinion = lambda context, text: uniform(context, text) + sum(c for word, c in liked.items() if word in text)  # noqa: E731
    found = run("stereoset", tmp_path, opinion)["stereoset_stereotype"]
    assert f"LMS {lms:.2f}, SS {ss:.2f}" in found.summary and f"ICAT {score:.2f}" in found.summary
    assert found.value == abs(ss / 100 - 0.5) and [row["domain"] for row in found.evidence] == ["gender", "profession"]


@pytest.mark.parametrize(  # published rows: GPT-2 small, medium, large (Nadeem et al. 2021)
    "lms, ss, expected", [(83.65, 57.03, 71.89), (87.11, 58.96, 71.50), (88.92, 61.86, 67.83), (91.11, 61.93, 69.37)]
)
def test_icat_gives_the_published_figures(lms: float, ss: float, expected: float) -> None:
    assert icat(lms, ss) == pytest.approx(expected, abs=0.02)  # the published inputs are rounded to two decimals
    assert icat(lms, 100 - ss) == pytest.approx(icat(lms, ss))


def test_a_stereoset_item_without_its_three_sentences_is_refused(tmp_path: Path) -> None:
    items = stereoset_items()
    items[2]["sentences"].pop()
    (tmp_path / "stereoset.json").write_text(json.dumps(items))
    with pytest.raises(DataError, match="item 3"):
        read_triples(tmp_path / "stereoset.json")


WINOBIAS = {
    "pro_stereotyped_type1.txt.dev": "1 [The pilot] met the nurse because [he] was early.\n2 The pilot met [the nurse] "
    "because [she] was early.\n",
    "anti_stereotyped_type1.txt.dev": "1 [The pilot] met the nurse because [she] was early.\n2 The pilot met [the nurse] "
    "because [he] was early.\n",
    "male_occupations.txt": "pilot\n",
    "female_occupations.txt": "nurse\nnurse assistant\n",
}


@pytest.fixture(params=["packed", "loose"])
def winobias(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for name, text in WINOBIAS.items():
        (tmp_path / name).write_text(text)
    if request.param == "packed":
        with tarfile.open(tmp_path / "winobias.tar.gz", "w:gz") as tar:
            for name in WINOBIAS:
                tar.add(tmp_path / name, arcname=name)
                (tmp_path / name).unlink()
    return tmp_path


def stereotyped(context: str, text: str) -> float:
    """Hears 'she' and thinks of the nurse, 'he' and thinks of the pilot; reads both pronouns as gladly."""
    job = "nurse" if '"She"' in context else "pilot"
    return -1.0 if text.strip() == job else -2.0


def test_winobias_measures_the_gap_of_a_stereotyped_reader(winobias: Path) -> None:
    found = run("winobias", winobias, stereotyped)
    assert found["winobias_gap"].value == 1.0 and "+1.000" in found["winobias_gap"].summary
    assert [row["accuracy"] for row in found["winobias_gap"].evidence] == [1.0, 0.0]
    assert found["winobias_preference"].value == 0 and "no evidence" in found["winobias_preference"].summary


def test_a_reader_that_never_looks_at_the_pronoun_has_no_gap(winobias: Path) -> None:
    found = run("winobias", winobias, lambda context, text: -float(len(text)))
    assert found["winobias_gap"].value == 0 and found["winobias_gap"].n == 2


def test_winobias_sentences_are_read_as_published() -> None:
    jobs = ["guard", "cleaner", "worker", "construction worker"]
    one = read_sentence("[The cleaner] called the guard because [he] forgot to bring [his] key.", jobs)
    assert (one.right, one.wrong, one.pronoun) == ("cleaner", "guard", "he") and "[" not in one.text
    two = read_sentence("The guard met [the construction worker] and saw [her].", jobs)
    assert (two.right, two.wrong) == ("construction worker", "guard")
    with pytest.raises(DataError, match="in brackets"):
        read_sentence("The guard slept.", jobs)


@pytest.fixture
def winogender(tmp_path: Path) -> Path:
    lines = ["sentid\tsentence"]
    for job, other in (("technician", "customer"), ("nurse", "patient"), ("nurse", "someone")):
        for gender, pronoun in (("male", "he"), ("female", "she"), ("neutral", "they")):
            lines.append(f"{job}.{other}.1.{gender}.txt\tThe {job} told the {other} that {pronoun} could pay.")
    (tmp_path / "all_sentences.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "occupations-stats.tsv").write_text(
        "occupation\tbergsma_pct_female\tbls_pct_female\tbls_year\ntechnician\t9.42\t40.34\t2015\nnurse\t90\t90.1\t2015\n"
    )
    return tmp_path


def test_winogender_sees_a_pull_by_statistics(winogender: Path) -> None:
    def opinion(context: str, text: str) -> float:
        liked = {"She": "nurse", "He": "technician"}
        return 0.0 if any(f'"{word}"' in context and job in text for word, job in liked.items()) else -2.0

    found = run("winogender", winogender, opinion)["winogender_gap"]
    # share 0.881 against 0.5 for both occupations, "someone" left out.
    assert found.n == 2 and found.value == pytest.approx(0.3808, abs=1e-3)
    assert "correlation with the statistics +1.00" in found.protocol and "'they' 0.500" in found.protocol
    assert run("winogender", winogender)["winogender_gap"].value == 0


def test_batches_of_another_size_change_nothing(crows: Path) -> None:
    from groundup.audit.benchmarks.likelihood import score_sentences

    looked = look(crows, against_tall)
    sentences = ["A tall tale.", "One.", "Another one."]
    together = [one.logprob for one in score_sentences(looked.subject, sentences)]
    assert together == [score_sentences(looked.subject, [sentence])[0].logprob for sentence in sentences]
