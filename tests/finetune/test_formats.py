"""People's files, each known shape, and each way to be broken."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from groundup.core.errors import DataError
from groundup.core.example import Example, write_examples
from groundup.finetune.formats import Broken, read_file

USER, ANSWER = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}
CHAT = [USER, ANSWER]

SHAPES = [
    ({"messages": CHAT}, "messages", CHAT),
    ({"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Yes."}]}, "messages", CHAT),
    ({"instruction": "Hi?", "input": "", "output": "Yes."}, "messages", CHAT),
    ({"instruction": "Add", "input": "1 1", "output": "2"}, "messages", None),
    ({"prompt": "Hi?", "response": "Yes."}, "messages", CHAT),
    ({"question": "Hi?", "answer": "Yes."}, "target", "Yes."),
    ({"text": "Long", "summary": "Short"}, "target", "Short"),
    ({"text": "Good", "label": 1}, "label", "1"),
    ({"context": "A cat sat.", "question": "Who?", "answers": {"text": ["cat"], "answer_start": [2]}}, "target", "cat"),
]


@pytest.mark.parametrize("row, field, value", SHAPES, ids=[" ".join(row) for row, _, _ in SHAPES])
def test_known_shapes(tmp_path, row, field, value):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (example,) = read_file(path)
    assert getattr(example, field) == (value or [{"role": "user", "content": "Add\n\n1 1"}, {**ANSWER, "content": "2"}])


def test_our_own_file_reads_back(tmp_path):
    example = Example(
        "qa", text="A cat.", question="Who?", target="a cat", spans=[{"start": 0, "end": 5, "text": "A cat"}]
    )
    write_examples(tmp_path / "ours.jsonl.zst", [example])
    assert list(read_file(tmp_path / "ours.jsonl.zst")) == [example]


def test_squad_json_with_questions_that_have_no_answer(tmp_path):
    qas = [
        {"question": "Who?", "answers": [{"text": "cat", "answer_start": 2}], "is_impossible": False},
        {"question": "When?", "answers": [], "is_impossible": True},
        {"question": "What?", "answers": [{"text": "dog", "answer_start": 2}]},
    ]
    squad = {"version": "2", "data": [{"title": "t", "paragraphs": [{"context": "A cat sat.", "qas": qas}]}]}
    path = tmp_path / "squad.json.gz"
    path.write_bytes(gzip.compress(json.dumps(squad).encode()))
    first, second, third = read_file(path)
    assert first.spans == [{"start": 2, "end": 5, "text": "cat"}]
    assert second.target == "" and second.meta == {"no_answer": True}
    assert isinstance(third, Broken) and "does not stand at character 2" in third.reason


def test_tables_with_renamed_columns(tmp_path):
    (tmp_path / "t.csv").write_text('review,stars\n"Good,\nvery",5\nbad\nfine,3\n')
    first, second, third = read_file(tmp_path / "t.csv", {"text": "review", "label": "stars"})
    assert (first.text, first.label) == ("Good,\nvery", "5")
    assert isinstance(second, Broken) and (second.line, second.reason) == (4, "it does not have 2 columns")
    assert third.label == "3"
    (tmp_path / "t.tsv").write_text("question\tanswer\nWho?\tMe\n")
    assert [example.target for example in read_file(tmp_path / "t.tsv")] == ["Me"]
    with pytest.raises(DataError, match=r"no column 'reviews'\.\n  Did you mean 'review'"):
        list(read_file(tmp_path / "t.csv", {"text": "reviews"}))


BROKEN = [
    ("{not json", "not JSON"),
    ("[1]", "a row is an object with names; this is a list"),
    ('{"a": 1}', "no known shape; its fields: a"),
    ('{"messages": []}', "no turns"),
    ('{"messages": [{"role": "user", "content": "x"}]}', "no turn of the assistant"),
    ('{"messages": [{"role": "boss", "content": "x"}]}', "turn 1 has the unknown role 'boss'"),
    ('{"messages": [{"role": "assistant", "content": 3}]}', "the content of turn 1 is a number"),
    ('{"instruction": "x", "output": " "}', "'output' is empty"),
    ('{"task": "qa", "txt": "x"}', "no field 'txt'. Did you mean 'text'"),
]


@pytest.mark.parametrize("line, reason", BROKEN)
def test_a_broken_row_is_told_with_its_line_and_reason(tmp_path, line, reason):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a", "response": "b"}\n\n' + line + '\n{"prompt": "c", "response": "d"}\n')
    good, broken, better = read_file(path)
    assert isinstance(good, Example) and isinstance(better, Example)
    assert isinstance(broken, Broken) and broken.line == 3 and reason in broken.reason


def damaged(path: Path) -> None:
    whole = {".gz": gzip.compress, ".zst": zstandard.compress}[path.suffix](b'{"prompt": "a", "response": "b"}\n' * 99)
    path.write_bytes(whole[: len(whole) // 2])


@pytest.mark.parametrize("name", ["half.jsonl.gz", "half.jsonl.zst"])
def test_a_truncated_archive_is_an_error(tmp_path, name):
    damaged(tmp_path / name)
    with pytest.raises(DataError, match="cannot be read"):
        list(read_file(tmp_path / name))


def test_files_that_are_none(tmp_path):
    for name, content, said in (
        ("a.jsonl", b"\xff\xfe\x00", "cannot be read"),
        ("b.json", b"{", "is not JSON"),
        ("c.json", b"3", "holds a number"),
        ("d.csv", b"", "is empty"),
        ("e.txt", b"", "unknown kind of file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=said):
            list(read_file(tmp_path / name))
    with pytest.raises(DataError, match="No examples at"):
        list(read_file(tmp_path / "missing.jsonl"))


def test_answers_are_counted_from_the_context_as_it_stands(tmp_path):
    path = tmp_path / "squad.jsonl"
    answers = [{"text": "Lima", "answer_start": 7}]
    path.write_text(json.dumps({"context": " It is Lima.", "question": "?", "answers": answers}))
    (example,) = read_file(path)
    assert example.text[example.spans[0]["start"] : example.spans[0]["end"]] == "Lima"


ASKED = [{"role": "user", "content": "Hi?"}]
PAIRED = ("prefer", ASKED, ["Yes.", "No."])
PAIRS = [
    {"prompt": "Hi?", "chosen": "Yes.", "rejected": "No."},
    {"prompt": ASKED, "chosen": [ANSWER], "rejected": [{"role": "assistant", "content": "No."}]},
    {"instruction": "Hi?", "input": "", "output": "Yes.", "chosen": "Yes.", "rejected": "No."},
    {"chosen": "\n\nHuman: Hi?\n\nAssistant: Yes.", "rejected": "\n\nHuman: Hi?\n\nAssistant: No."},
    {"chosen": CHAT, "rejected": [USER, {"role": "assistant", "content": "No."}]},
]


def one(tmp_path: Path, row: dict) -> Example | Broken:
    (tmp_path / "row.jsonl").write_text(json.dumps(row))
    (found,) = read_file(tmp_path / "row.jsonl")
    return found


@pytest.mark.parametrize("row", PAIRS, ids=range(len(PAIRS)))
def test_preference_pairs_in_every_shape(tmp_path, row):
    example = one(tmp_path, row)
    assert (example.task, example.messages, example.choices) == PAIRED
    assert (
        example.document_id == one(tmp_path, {**PAIRS[0], "rejected": "Never."}).document_id
    )  # one question, one side


def test_words_with_tags_and_texts_with_entities_give_the_same_spans(tmp_path):
    words = one(tmp_path, {"tokens": ["Ann", "Lee", "saw", "Rome"], "tags": ["B-PER", "I-PER", "O", "B-LOC"]})
    entities = [[0, 7, "PER"], {"start": 12, "end": 16, "label": "LOC"}]
    text = one(tmp_path, {"text": "Ann Lee saw Rome", "entities": entities})
    assert words.text == text.text and words.spans == text.spans
    assert [span["text"] for span in words.spans] == ["Ann Lee", "Rome"]
    speech = one(tmp_path, {"tokens": ["Ann", "saw"], "tags": ["NOUN", "VERB"]})
    assert [span["label"] for span in speech.spans] == ["NOUN", "VERB"]


def test_more_shapes(tmp_path):
    choice = one(tmp_path, {"question": "Who?", "choices": ["a dog", "a cat"], "answer": "B"})
    assert (choice.task, choice.label) == ("choose", "a cat")
    assert one(tmp_path, {"question": "Who?", "choices": ["a dog", "a cat"], "answer": 1}).label == "a cat"
    assert one(tmp_path, {"text": "Ann, 3", "fields": {"who": "Ann"}}).target == '{"who": "Ann"}'
    assert one(tmp_path, {"source": "uno", "target": "one"}).task == "translate"
    assert one(tmp_path, {"sentence1": "a", "sentence2": "b", "score": 4.5}).task == "embed"
    assert one(tmp_path, {"sentence1": "a", "sentence2": "b", "score": 0.2}).task == "apart"
    assert one(tmp_path, {"messages": CHAT, "thumb": "down"}).task == "disliked"
    assert one(tmp_path, {"messages": CHAT, "thumb": "up"}).task == "chat"


WRONG = [
    ({"prompt": "Hi?", "chosen": "Yes.", "rejected": "Yes."}, "nothing is preferred"),
    ({"prompt": "Hi?", "chosen": " ", "rejected": "Yes."}, "empty"),
    ({"chosen": "no turns", "rejected": "no turns either"}, "neither turns nor"),
    ({"chosen": CHAT, "rejected": [{"role": "user", "content": "Ho?"}, ANSWER]}, "differ before"),
    ({"messages": CHAT, "thumb": "sideways"}, "known: up, down"),
    ({"question": "Who?", "choices": ["a", "b"], "answer": "c"}, "none of the 2 choices"),
    ({"tokens": ["a"], "tags": []}, "same length"),
    ({"text": "short", "entities": [[0, 99, "X"]]}, "does not lie in its text"),
    ({"text": "t", "fields": [1]}, "not an object"),
    ({"sentence1": "a", "sentence2": "b", "score": "much"}, "not a number"),
    ({"question": "q", "answer": ""}, "'answer' is empty"),
    ({"context": "A cat.", "question": "q", "answers": [{"text": "dog", "answer_start": 2}]}, "does not stand"),
    ({"prompt": "q", "respnse": "a"}, 'columns = {response = "respnse"}'),
    ({"text": "q", "lable": "a"}, 'columns = {label = "lable"}'),
]


@pytest.mark.parametrize("row, reason", WRONG, ids=[reason for _, reason in WRONG])
def test_rows_that_cannot_be_used_say_why(tmp_path, row, reason):
    found = one(tmp_path, row)
    assert isinstance(found, Broken) and found.line == 1 and reason in found.reason


def test_questions_about_one_text_stay_together(tmp_path):
    rows = [{"context": "A cat sat.", "question": f"q{n}", "answers": []} for n in range(5)]
    (tmp_path / "s.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert len({example.document_id for example in read_file(tmp_path / "s.jsonl")}) == 1
