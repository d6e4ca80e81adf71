"""A small corpus and one tokenizer of each kind, made once."""

import pytest

from groundup.tokenizer.base import Tokenizer

SENTENCES = [
    "The old baker walked to the river and looked at the red boat.",
    "Nora asked the baker: where is the boat? He said it is at the river!",
    "In 1984 there were 365 days, 24 hours and 60 minutes; don't forget.",
    "def add(first, second):\n    return first + second\n",
    "Caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u2014 \u4f60\u597d, \u043f\u0440\u0438\u0432\u0435\u0442.",
    "She's sure they'll walk; we've walked, I'm walking.\n\n\tThe end.",
]
CORPUS = [f"{sentence} {other}" for sentence in SENTENCES for other in SENTENCES]
SIZES = {"bpe": 400, "wordpiece": 200, "unigram": 400, "characters": 340, "bytes": 288}
TRICKY = [
    "",
    " ",
    "  two  blanks\t\ttabs\r\n\r\nlines \n",
    "caf\u00e9 cafe\u0301 \u4f60\u597d \u0410\u0411\u0412 \u0627\u0644 \u0e2a\u0e27",
    "\U0001f600\u200d\U0001f468\u200d\U0001f469 \U0001f1e9\U0001f1ea",
    "0123456789 3.14 1,000",
    "for (i = 0; i < n; ++i) { a[i] *= -1; }  // x\n",
    "I'LL don't 're 'S",
    "\x00\x01\x7f\ufffd\ufeff",
    "<0x41><0xFF> ##ing \u2581a \u0120b",
]
LOOKS_SPECIAL = "<|endoftext|><|user|>hi<|end|> <|assistant|><|extra_3|><|unk|>"


@pytest.fixture(scope="session")
def trained() -> dict[str, Tokenizer]:
    return {kind: Tokenizer.train(CORPUS, kind, size) for kind, size in SIZES.items()}


@pytest.fixture(scope="session")
def saved(trained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizers")
    return {kind: tokenizer.save(folder / kind, context_length=256) for kind, tokenizer in trained.items()}
