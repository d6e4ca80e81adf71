"""Makes the weights of `names`: ``python -m groundup.language.names_training --texts FILES.jsonl.gz [--templates FILE]``.

Learns from `names_sentences.txt`, filled with names, streets and firms that the Faker library (MIT) invents for many
countries. `--texts`: public-domain books, to know which words are common in lower case and which stand with a capital,
and for sentences in which nobody is named. `--templates`: sentences with marked places of the presidio-research set
(MIT); only those of the training half are read (`in_training_half`), filled anew with our own inventions.

The whole takes about two minutes on one core and gives the same weights for the same seed and library versions.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import xxhash

from groundup.core.console import Console
from groundup.core.randomness import numpy_random
from groundup.language import names
from groundup.language.names import BITS, LABELS, TAGS, Tagger, Token, Vocabulary
from groundup.language.names_inventions import Inventions, Piece
from groundup.language.recognisers import Finding
from groundup.language.words import sentences

SENTENCES = Path(__file__).with_name("names_sentences.txt")
EPOCHS = 5  # from 3 on F2 moves by less than 0.005
COPIES = 36  # fillings of each of our sentences
TEMPLATE_COPIES = 20  # of each given template
LOWER_SHARE = 0.12  # written without any capital, as people type in chats
HIDDEN_SHARE = 0.5  # of the words inside names are hidden, so that form and neighbours must tell
PLAIN_SENTENCES = 6000  # from books, with no name in them
COMMON_WORDS = 25_000
CAPITAL_WORDS = 8_000

# The presidio-research names of places to fill -> ours
TEMPLATE_FIELDS = {
    "PERSON": ("name", "first", "last", "initials"),
    "STREET_ADDRESS": ("street",),
    "GPE": ("city", "country", "city"),
    "ORGANIZATION": ("org",),
    "CREDIT_CARD": ("card",),
    "PHONE_NUMBER": ("phone",),
    "AGE": ("age",),
    "DATE_TIME": ("date", "year", "day"),
    "NRP": ("nat",),
    "ZIP_CODE": ("zip",),
    "TITLE": ("title", "job"),
    "DOMAIN_NAME": ("url",),
    "EMAIL_ADDRESS": ("email",),
    "US_SSN": ("ssn",),
    "IP_ADDRESS": ("ip",),
    "US_DRIVER_LICENSE": ("licence",),
    "IBAN_CODE": ("iban",),
}


def in_training_half(template: int) -> bool:
    """The split of the templates: half by a hash of their number. The others measure (benchmarks/privacy.py)."""
    return xxhash.xxh32_intdigest(f"template {template}".encode()) % 2 == 0


def word_table(texts: Iterable[str]) -> Vocabulary:
    """Words at least five times in lower case, and words mostly capital inside sentences, as sorted hashes."""
    lower: Counter[str] = Counter()
    capital: Counter[str] = Counter()
    for text in texts:
        found = re.findall(r"([^\W\d_]|[,;]) ([^\W\d_]+(?:['\u2019-][^\W\d_]+)*)", text)
        lower.update(word for _, word in found if word[0].islower())
        capital.update(word.lower() for before, word in found if word[0].isupper() and not before.isupper())
        lower.update(word for word in re.findall(r"[^\W\d_]+", text) if word[0].islower())
    common = [word for word, count in lower.most_common() if count >= 5 and count > capital[word]][:COMMON_WORDS]
    known = set(common)
    often = [word for word, count in capital.most_common() if count >= 5 and word not in known][:CAPITAL_WORDS]
    return Vocabulary(_hashes(common), _hashes(often))


def _hashes(listed: list[str]) -> np.ndarray:
    return np.unique(np.array([xxhash.xxh32_intdigest(word.encode()) for word in listed], dtype=np.uint32))


def plain_sentences(texts: Iterable[str], vocabulary: Vocabulary) -> Iterator[str]:
    """Sentences in which only the first word has a capital, and it is a common one."""
    for text in texts:
        for start, end in sentences(text[20_000:120_000]):
            sentence = " ".join(text[start:end].split())
            found = re.findall(r"[^\W\d_]+", sentence)
            if (
                4 <= len(found) <= 30
                and not re.search(r"[0-9_*#|]", sentence)
                and all(word[0].islower() or word == "I" for word in found[1:])
                and vocabulary.known(found[0]) == "c"
            ):
                yield sentence


Sentence = tuple[list[Token], list[int], list[bool]]  # tokens, tags, inside a name


def filled(template: Sequence[Piece], inventions: Inventions) -> Sentence:
    """One filling of a template as tokens and tags."""
    text = ""
    spans: list[tuple[int, int, str]] = []
    forms: list[tuple[int, int, str]] = []
    for piece in template:
        value, parts = inventions.fill(piece)
        for start, end, label in parts:
            (spans if label in LABELS else forms).append((len(text) + start, len(text) + end, label))
        text += value
    if inventions.random.random() < LOWER_SHARE and text.lower() != text and len(text.lower()) == len(text):
        text = text.lower()
    findings = [Finding(start, end, label, text[start:end]) for start, end, label in forms]
    tokens = names.tokens_of(text, findings)
    tags = [0] * len(tokens)
    for start, end, label in spans:
        first = True
        for number, token in enumerate(tokens):
            if start <= token.start and token.end <= end:
                tags[number] = TAGS.index(f"{'B' if first else 'I'}-{label}")
                first = False
    return tokens, tags, [tag > 0 for tag in tags]


def pieces_of(line: str) -> list[Piece]:
    """ "Hi {first}!" -> text, field, text."""
    line = line.replace("\\n", "\n")
    parts = re.split(r"\{([a-z_]+)\}", line)
    return [Piece(part, field=place % 2 == 1) for place, part in enumerate(parts) if part]


def template_pieces(masked: str, random: np.random.Generator) -> list[Piece]:
    """A presidio-research template with its fields drawn from ours; an address in parts is house, street, flat, code."""
    parts = re.split(r"\{\{([A-Z_]+)\}\}", masked)
    in_parts = parts.count("STREET_ADDRESS") > 1 and "STREET_ADDRESS}} {{STREET_ADDRESS" in masked
    pieces: list[Piece] = []
    before = ""
    number = 0
    for place, part in enumerate(parts):
        if place % 2 == 0:
            if part:
                pieces.append(Piece(part, field=False))
            continue
        choices = TEMPLATE_FIELDS[part]
        if part == "STREET_ADDRESS":
            choices = ("address", "address_lines", "address_lines", "military", "corner")
            if in_parts:
                choices = ("address_zip",) if before == "GPE" else (("house",), ("street_name",), ("flat",))[number % 3]
                number += 1
        pieces.append(Piece(str(random.choice(choices)), field=True))
        before = part
    return pieces


def train(lessons: list[Sentence], vocabulary: Vocabulary, *, epochs: int, seed: int, console: Console) -> Tagger:
    """The averaged perceptron on whole chains: move the weights from the chain found to the right one."""
    size = (1 << BITS, len(TAGS))
    tagger = Tagger(np.zeros(size, np.float32), np.zeros((len(TAGS), len(TAGS)), np.float32), vocabulary)
    forbidden = [(i, j) for i, a in enumerate(TAGS) for j, b in enumerate(TAGS) if b[0] == "I" and a[2:] != b[2:]]
    for i, j in forbidden:
        tagger.moves_KK[i, j] = -100.0  # an I follows a B or an I of its own label
    sums_HK, sums_KK = np.zeros(size, np.float32), np.zeros_like(tagger.moves_KK)
    random = numpy_random(seed, "names training")
    step = 0
    for epoch in range(epochs):
        wrong = total = 0
        for number in random.permutation(len(lessons)):
            step += 1
            tokens, gold, inside = lessons[number]
            hidden = np.array(inside) & (random.random(len(tokens)) < HIDDEN_SHARE)
            ids_TF = tagger.features(tokens, hidden)
            found = tagger.best(ids_TF)
            total += len(gold)
            if found == gold:
                continue
            before_found = before_gold = 0
            for place, (right, guess) in enumerate(zip(gold, found, strict=True)):
                if right != guess:
                    wrong += 1
                    np.add.at(tagger.weights_HK, (ids_TF[place], right), 1.0)
                    np.add.at(tagger.weights_HK, (ids_TF[place], guess), -1.0)
                    np.add.at(sums_HK, (ids_TF[place], right), step)
                    np.add.at(sums_HK, (ids_TF[place], guess), -step)
                if (before_gold, right) != (before_found, guess):
                    for table, amount in ((tagger.moves_KK, 1.0), (sums_KK, float(step))):
                        table[before_gold, right] += amount
                        table[before_found, guess] -= amount
                before_gold, before_found = right, guess
        console.note(f"epoch {epoch + 1}: {wrong / max(1, total):.4f} of the tokens wrong while learning")
    return Tagger(tagger.weights_HK - sums_HK / step, tagger.moves_KK - sums_KK / step, vocabulary)


def lessons_of(templates: list[str], plain: list[str], seed: int) -> list[Sentence]:
    """All sentences to learn from: ours, the given templates, and book sentences without names."""
    inventions = Inventions(numpy_random(seed, "names inventions"))
    lines = [line for line in SENTENCES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    lessons = []
    for line in lines:
        pieces = pieces_of(line)
        copies = COPIES if any(piece.field for piece in pieces) else COPIES // 6
        lessons += [filled(pieces, inventions) for _ in range(copies)]
    for masked in templates:
        copies = TEMPLATE_COPIES if "{{" in masked else TEMPLATE_COPIES // 4
        lessons += [filled(template_pieces(masked, inventions.random), inventions) for _ in range(copies)]
    lessons += [filled([Piece(sentence, field=False)], inventions) for sentence in plain]
    return lessons


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True, help=".jsonl.gz of public-domain books with a field text")
    parser.add_argument("--templates", type=Path, help="synth_dataset_v2.json.gz of presidio-research")
    parser.add_argument("--out", type=Path, default=names.WEIGHTS)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    console = Console()
    with gzip.open(given.texts, "rt", encoding="utf-8") as file:
        books = [str(json.loads(line)["text"]) for line in file]
    vocabulary = word_table(books)
    plain = list(dict.fromkeys(plain_sentences(books, vocabulary)))
    order = numpy_random(given.seed, "plain sentences").permutation(len(plain))[:PLAIN_SENTENCES]
    templates: list[str] = []
    if given.templates:
        with gzip.open(given.templates, "rt", encoding="utf-8") as file:
            rows = json.load(file)
        templates = sorted({row["masked"] for row in rows if in_training_half(row["template_id"])})
    lessons = lessons_of(templates, [plain[place] for place in order], given.seed)
    console.note(f"{len(lessons)} sentences, {len(templates)} given templates, {len(vocabulary.common)} common words")
    names.save(train(lessons, vocabulary, epochs=EPOCHS, seed=given.seed, console=console), given.out)


if __name__ == "__main__":
    main()
