"""The real engine behind the real openai client: vectors, JSON that always follows its schema, tokens looked into."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from fastapi.testclient import TestClient
from port import on_a_port
from tiny_engine import speaker

from groundup.generate.constrain import Constrainer, Form
from groundup.serve.api import create_app
from groundup.tokenizer import Tokenizer

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 99},
        "mood": {"enum": ["happy", "sad"]},
    },
    "required": ["name", "age", "mood"],
    "additionalProperties": False,
}
HELLO: list[Any] = [{"role": "user", "content": "Who?"}]


@pytest.fixture(scope="module")
def real(runs_folder: Path) -> Iterator[openai.OpenAI]:
    with on_a_port(create_app(runs_folder, open_speaker=speaker)) as address:
        yield openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def test_the_client_gets_vectors_of_length_one_in_both_encodings(real: openai.OpenAI) -> None:
    texts = ["a fox", "an old mill", "a fox"]
    made = real.embeddings.create(model="demo", input=texts, encoding_format="float")
    vectors_ND = np.array([one.embedding for one in made.data])
    assert vectors_ND.shape == (3, 32) and np.allclose(np.linalg.norm(vectors_ND, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors_ND[0], vectors_ND[2]) and not np.allclose(vectors_ND[0], vectors_ND[1])
    # Without a wish the client asks for base64 and decodes it itself.
    packed = real.embeddings.create(model="demo", input=texts)
    assert np.allclose([one.embedding for one in packed.data], vectors_ND, atol=1e-6)
    raw = real.embeddings.with_raw_response.create(model="demo", input="a fox", encoding_format="base64")
    sent = json.loads(raw.content)["data"][0]["embedding"]
    assert np.allclose(np.frombuffer(base64.b64decode(sent), dtype="<f4"), vectors_ND[0], atol=1e-6)
    assert made.usage.prompt_tokens > 6 and made.usage.total_tokens == made.usage.prompt_tokens


@pytest.mark.parametrize("wrong", ["", [], ["a", ""], ["x"] * 300, "x" * 200_001])
def test_what_cannot_be_embedded_is_refused(real: openai.OpenAI, wrong: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        real.embeddings.create(model="demo", input=wrong)
    with pytest.raises(openai.NotFoundError):
        real.embeddings.create(model="other", input="x")


@pytest.mark.parametrize("temperature", [0.0, 1.0, 2.0])
def test_a_random_model_writes_json_of_the_schema(real: openai.OpenAI, temperature: float) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA, "strict": True}}
    for seed in range(3):
        made = real.chat.completions.create(
            model="demo",
            messages=HELLO,
            response_format=wanted,
            temperature=temperature,
            seed=seed,
            max_tokens=120,
            n=2,
        )
        for choice in made.choices:
            assert choice.finish_reason == "stop"
            person = json.loads(choice.message.content or "")
            assert list(person) == ["name", "age", "mood"] and len(person["name"]) <= 12
            assert isinstance(person["age"], int) and 0 <= person["age"] <= 99 and person["mood"] in ("happy", "sad")


def test_a_streamed_answer_follows_its_schema_beside_one_that_is_free(real: openai.OpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "mood", "schema": {"enum": ["happy", "sad"]}}}
    held = real.chat.completions.create(model="demo", messages=HELLO, response_format=wanted, stream=True)
    free = real.chat.completions.create(model="demo", messages=HELLO, max_tokens=30)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in held if chunk.choices)
    assert json.loads(text) in ("happy", "sad")
    assert (
        free.choices[0].message.content
        == real.chat.completions.create(model="demo", messages=HELLO, max_tokens=30).choices[0].message.content
    )


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "nonsense"}, "nonsense"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "not present"),  # nothing is fetched
        ({"description": "x" * 40_000}, "at most 32,000 characters"),
    ],
)
def test_a_schema_that_is_none_is_refused(real: openai.OpenAI, schema: Any, words: str) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match=words):
        real.chat.completions.create(model="demo", messages=HELLO, response_format=wanted)
    with pytest.raises(openai.BadRequestError, match="json_schema"):
        real.chat.completions.create(model="demo", messages=HELLO, response_format={"type": "json_schema"})  # type: ignore[arg-type]


def test_only_tokens_that_lead_to_valid_json_are_allowed() -> None:
    tokenizer = Tokenizer.train(["tiny"], kind="bytes")
    allow = Constrainer(tokenizer).allow(Form("json", {"const": "hi"}))
    ids: list[int] = []
    text = ""
    while True:
        mask_V = allow(ids, 20)
        assert mask_V is not None
        choices = mask_V.nonzero()[:, 0].tolist()
        if choices == [tokenizer.special["<|end|>"]]:
            break
        assert len(choices) == 1  # a constant leaves no choice
        ids.append(choices[0])
        text = tokenizer.decode(ids)
    assert text == '"hi"'


def test_looking_inside_agrees_with_the_engine() -> None:
    one = speaker()
    found = one.look("there was a fox", 1.0, 1.0)
    ids = [token["id"] for token in found["tokens"]]
    own_V = one.engine.next_token_probabilities(ids)
    assert found["tokens"][0]["logprob"] is None
    assert [token["logprob"] for token in found["tokens"][1:]] == pytest.approx(
        one.engine.token_logprobs(ids)[1:].tolist(), abs=1e-4
    )
    assert found["next"][0]["id"] == int(own_V.argmax())
    assert [row["probability"] for row in found["next"]] == pytest.approx(sorted(own_V, reverse=True)[:12], abs=1e-5)
    assert all(row["chosen"] == pytest.approx(row["probability"], abs=1e-5) for row in found["next"])
    narrow = one.look("there was a fox", 1.0, 0.1)
    assert 0 < narrow["kept"] < found["kept"] == len(own_V)
    assert sum(row["chosen"] for row in one.look("a", 0.0, 1.0)["next"]) == 1


def test_a_text_longer_than_the_context_is_looked_at_from_its_end(runs_folder: Path) -> None:
    with TestClient(create_app(runs_folder, open_speaker=speaker), base_url="http://127.0.0.1") as client:
        found = client.post("/api/inside", json={"model": "demo", "text": "x1" * 990}).json()
    assert len(found["tokens"]) == 512
