"""The chat template: ids, what is learned, and the same ids through transformers."""

import json

import pytest

from groundup.core.errors import DataError
from groundup.tokenizer.base import Tokenizer
from groundup.tokenizer.chat import parse, render

from .conftest import LOOKS_SPECIAL, SIZES, TRICKY

TOOLS = [
    {"type": "function", "function": {"name": "add", "description": "caf\u00e9 <b>", "parameters": {"a": [1, None]}}}
]
CALLS = [
    {"type": "function", "function": {"name": "add", "arguments": {"a": "\u00e9<", "b": [1, 2.5, None, True]}}},
    {"name": "add", "arguments": '{"a": 1}'},
]
CHATS = {
    "plain": [{"role": "user", "content": "Where is the boat?"}, {"role": "assistant", "content": "At the river.\n"}],
    "system": [{"role": "system", "content": "Be good."}, {"role": "user", "content": " hi <3 & 'x' "}],
    "calls": [
        {"role": "system", "content": "Add."},
        {"role": "user", "content": "1 + 2?"},
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "content": "3"},
        {"role": "assistant", "content": "It is 3."},
    ],
}


def test_the_ids_are_the_turns_and_only_the_assistant_is_learned(trained):
    tokenizer = trained["bpe"]
    special, encode = tokenizer.special, tokenizer.encode
    rendered = render(tokenizer, CHATS["plain"])
    question = [special["<|user|>"], *encode("Where is the boat?"), special["<|end|>"]]
    answer = [*encode("At the river.\n"), special["<|end|>"]]
    assert rendered.ids == [special["<|endoftext|>"], *question, special["<|assistant|>"], *answer]
    assert rendered.learn == [False] * (2 + len(question)) + [True] * len(answer)


def test_the_prompt_ends_where_the_answer_begins(trained):
    whole = render(trained["bpe"], CHATS["plain"])
    prompt = render(trained["bpe"], CHATS["plain"][:1], add_generation_prompt=True)
    assert whole.ids[: len(prompt.ids)] == prompt.ids and not any(prompt.learn)
    assert whole.learn[len(prompt.ids)]


def test_what_a_user_writes_never_becomes_a_special_token(trained):
    rendered = render(trained["bpe"], [{"role": "user", "content": LOOKS_SPECIAL}])
    assert [place for place in rendered.ids if place < 32] == [
        trained["bpe"].special[name] for name in ("<|endoftext|>", "<|user|>", "<|end|>")
    ]


def test_calls_are_learned_and_read_back(trained):
    tokenizer = trained["bpe"]
    rendered = render(tokenizer, CHATS["calls"][:3], TOOLS)
    learned = [place for place, counts in zip(rendered.ids, rendered.learn, strict=True) if counts]
    assert tokenizer.special["<|tool_call|>"] in learned
    parsed = parse(tokenizer, learned)
    assert parsed.content == "" and parsed.broken_calls == []
    assert parsed.tool_calls == [
        {"name": "add", "arguments": {"a": "\u00e9<", "b": [1, 2.5, None, True]}},
        {"name": "add", "arguments": {"a": 1}},
    ]


def test_a_broken_or_unclosed_call_is_given_back_as_written(trained):
    tokenizer = trained["bpe"]
    call = tokenizer.special["<|tool_call|>"]
    parsed = parse(tokenizer, [*tokenizer.encode("Well"), call, *tokenizer.encode('{"name":')])
    assert (parsed.content, parsed.tool_calls, parsed.broken_calls) == ("Well", [], ['{"name":'])


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"role": "asistant", "content": "x"}, "Did you mean 'assistant'"),
        ({"role": "user", "content": None}, "must be text"),
        ({"role": "user", "content": ["x"]}, "must be text"),
    ],
)
def test_messages_of_another_shape_are_refused(trained, message, words):
    with pytest.raises(DataError, match=words):
        render(trained["bpe"], [message])


@pytest.fixture(scope="module")
def transformers_tokenizers(saved):
    auto = pytest.importorskip("transformers").AutoTokenizer
    return {kind: auto.from_pretrained(folder) for kind, folder in saved.items()}


@pytest.mark.parametrize("kind", SIZES)
def test_transformers_gives_the_same_ids(trained, transformers_tokenizers, kind):
    ours, theirs = trained[kind], transformers_tokenizers[kind]
    assert len(theirs) == ours.vocabulary_size and theirs.model_max_length == 256
    for text in TRICKY:
        assert theirs(text)["input_ids"] == ours.encode(text)
    assert theirs(LOOKS_SPECIAL, split_special_tokens=True)["input_ids"] == ours.encode(LOOKS_SPECIAL)
    assert theirs.convert_tokens_to_ids(list(ours.special)) == list(ours.special.values())
    assert set(theirs.all_special_ids) == set(ours.special.values())
    assert (theirs.bos_token, theirs.eos_token, theirs.pad_token) == ("<|endoftext|>", "<|endoftext|>", "<|pad|>")


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("name", CHATS)
@pytest.mark.parametrize("tools", [None, TOOLS], ids=["bare", "tools"])
@pytest.mark.parametrize("prompt", [False, True], ids=["whole", "prompt"])
def test_the_jinja_template_says_the_same(trained, transformers_tokenizers, kind, name, tools, prompt):
    theirs = transformers_tokenizers[kind].apply_chat_template(
        CHATS[name], tools=tools, add_generation_prompt=prompt, tokenize=True, return_dict=False
    )
    assert render(trained[kind], CHATS[name], tools, prompt).ids == theirs


@pytest.fixture
def foreign(tmp_path):
    """A tokenizer somebody else could have made: other special tokens, a template of its own."""
    import tokenizers
    from tokenizers import decoders, models, pre_tokenizers

    names = ["[S]", "[/S]", "[INST]", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    fast = tokenizers.Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[]))
    fast.add_special_tokens(names[:3])
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    fast.save(str(tmp_path / "tokenizer.json"))
    template = (
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[INST]"
        "{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}"
    )
    config = {"bos_token": {"content": "[S]"}, "eos_token": "[/S]", "chat_template": template}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    return Tokenizer.load(tmp_path)


def test_a_foreign_tokenizer_chats_by_its_own_template(foreign, tmp_path):
    assert foreign.is_foreign
    assert foreign.special["<|endoftext|>"] == 0 and foreign.special["<|end|>"] == 1
    rendered = render(foreign, [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}])
    assert foreign.decode(rendered.ids, skip_special=False) == "[S][INST]a[INST]b[/S]"
    assert rendered.learn == [False] * 4 + [True] * 2
    again = Tokenizer.load(foreign.save(tmp_path / "again"))
    assert again.chat_template == foreign.chat_template and again.special == foreign.special


def test_a_user_cannot_forge_a_foreign_special_token(foreign):
    rendered = render(foreign, [{"role": "user", "content": "a[/S]b"}])
    assert foreign.special["[/S]"] not in rendered.ids


def test_a_foreign_template_runs_in_a_sandbox(foreign):
    foreign.chat_template = "{{ messages.__class__.__mro__ }}"
    with pytest.raises(DataError, match="template fails"):
        render(foreign, CHATS["plain"])


def test_a_foreign_base_model_without_template_is_refused(foreign):
    foreign.chat_template = ""
    with pytest.raises(DataError, match="no chat template"):
        render(foreign, CHATS["plain"])
