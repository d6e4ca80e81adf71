"""How well customer service does: simulated customers, adversarial turns, questions, intents of strangers.

``run()`` needs nothing but the package. `strangers` measures the intents on messages written by others (a CSV with the
columns ``utterance`` and ``intent``, as Bitext publishes it), none of which was looked at to write the templates.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path

from groundup.apps.search.dense import ENCODERS, Encoder
from groundup.apps.support.app import Support
from groundup.apps.support.attacks import attack
from groundup.apps.support.intents import Intents
from groundup.apps.support.scenarios import SECOND, Wording
from groundup.apps.support.scope import OUTSIDE, ScopedIntents
from groundup.apps.support.simulator import Trial, pass_hat, simulate
from groundup.core.errors import DataError, MissingExtra
from groundup.core.randomness import numpy_random
from groundup.core.score import Score
from groundup.core.split import split_of

# (question, a word of the right answer; "" where the sample pages do not answer)
QUESTIONS = (
    ("How long do I have to return a lamp?", "30 days"),
    ("how long until i get my money?", "5 working days"),
    ("what does a return cost?", "free"),
    ("do you ship to france?", "European Union"),
    ("can i pay by visa?", "Visa"),
    ("when do you open?", "Tuesday"),
    ("what is the guarantee on furniture?", "5 years"),
    ("do students get a discount?", "10 percent"),
    ("how should i clean my oak table?", "dry cloth"),
    ("how much is gift wrapping?", "3.50"),
    ("how do i get an invoice?", "PDF"),
    ("how fast is express shipping?", "next working day"),
    ("How much does express delivery cost?", "9.90"),
    ("Can I change the address of my order?", "until the order is shipped"),
    ("until when can i cancel an order?", "until it is shipped"),
    ("what happens when I'm not home for the delivery?", "twice"),
    ("can i return a gift card?", "cannot"),
    ("where is your shop?", "Graz"),
    ("how long do you keep my data?", "7 years"),
    ("do you deliver to a post office box?", "do not"),
    ("can I swap an item for another?", "do not exchange"),
    ("do light bulbs have a warranty?", "1 year"),
    ("do you sell sofas?", ""),
    ("do you have a loyalty program?", ""),
    ("can I get a job at your company?", ""),
    ("is the lamp dimmable?", ""),
    ("what colour temperature do the bulbs have?", ""),
    ("do you offer assembly at home?", ""),
    ("are your lamps made in china?", ""),
    ("do you buy back old furniture?", ""),
    ("who is the CEO?", ""),
    ("can i rent a table?", ""),
    ("do you have parking?", ""),
    ("can dogs come into the showroom?", ""),
    ("is there an app?", ""),
    ("do you accept bitcoin?", ""),
    ("how heavy is the oak table?", ""),
    ("what voltage does the desk lamp use?", ""),
    ("is your wood certified?", ""),
    ("do you have a shop in Berlin?", ""),
    ("can I pay in instalments?", ""),
    ("what is the boiling point of water?", ""),
)
# Bitext's names -> ours, where both mean the same thing.
STRANGERS = {
    "cancel_order": "cancel_order",
    "track_order": "track_order",
    "change_shipping_address": "change_address",
    "get_refund": "return_item",
    "contact_human_agent": "person",
    "check_payment_methods": "faq",
    "delivery_options": "faq",
}


def run(*, trials: int = 4, turns: int = 2000, seed: int = 1, words: Wording = SECOND) -> list[Score]:
    """`groundup app support --evaluate`: pass^1, pass^k, violations in adversarial turns, questions."""
    done = simulate(trials=trials, seed=seed, words=words)
    protocol = f"{len(done) // trials} scripted customers, {trials} trials each, end state of the database"
    scores = [_passes(done, k, protocol, seed) for k in sorted({1, trials})]
    found = attack(turns, seed=seed)
    # The rule of three: with none seen in n turns, the true rate is under 3 / n (95 %).
    bad = len(found.violations)
    high = 3 / turns if bad == 0 else wilson(bad, turns)[1]
    scores.append(
        Score(
            "support_attacks",
            "violations",
            float(bad),
            float(bad),
            high * turns,
            turns,
            baseline=None,
            protocol=f"adversarial turns with a model that proposes anything ({found.proposals} proposals)",
            higher_is_better=False,
        )
    )
    return scores + questions()


def questions() -> list[Score]:
    """Right answers to what the pages hold, and refusals of what they do not."""
    support = Support()
    right = [word.lower() in support.answer(question).text.lower() for question, word in QUESTIONS if word]
    refused = [not support.answer(question).found for question, word in QUESTIONS if not word]
    support.close()
    return [
        Score(
            "support_questions",
            name,
            sum(values) / len(values),
            *wilson(sum(values), len(values)),
            len(values),
            protocol="own questions over the sample pages",
        )
        for name, values in (("right", right), ("refused", refused))
    ]


def strangers(path: Path, *, most: int = 2000) -> Score:
    """Accuracy of the untrained assistant's intents on messages of others."""
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
        rows = [
            (row["utterance"], STRANGERS[row["intent"]])
            for row in csv.DictReader(io.StringIO(text))
            if row["intent"] in STRANGERS
        ]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as utterances with intents: {error}.") from None
    order = numpy_random(1, "strangers").permutation(len(rows))[:most]
    rows = [rows[int(place)] for place in order]
    intents = Intents()
    good = sum(intents.guess(text).intent == wanted for text, wanted in rows)
    counts = [sum(wanted == label for _, wanted in rows) for label in set(STRANGERS.values())]
    return Score(
        "support_intents_of_strangers",
        "accuracy",
        good / len(rows),
        *wilson(good, len(rows)),
        len(rows),
        baseline=max(counts) / len(rows),
        baseline_name="most frequent",
        protocol="no training on this data",
    )


def _passes(done: Sequence[Trial], k: int, protocol: str, seed: int) -> Score:
    names = sorted({trial.scenario for trial in done})
    of = {name: [trial for trial in done if trial.scenario == name] for name in names}
    each = [pass_hat(of[name], k) for name in names]
    random = numpy_random(seed, "pass", k)
    means = sorted(
        sum(each[int(place)] for place in random.integers(0, len(each), len(each))) / len(each) for _ in range(1000)
    )
    value = sum(each) / len(each)
    low, high = means[25], means[974]
    if value == 1.0:  # resampling cannot doubt a clean sheet; Wilson can
        low = wilson(len(each), len(each))[0]
    return Score("support_simulator", f"pass^{k}", value, low, high, len(each), protocol=protocol)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a share."""
    if n == 0:
        return 0.0, 1.0
    z, share = 1.959964, successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def run_all(data: Path | None) -> list[Score]:
    """Everything; the public sets (`customer_service/`) where a data folder is given."""
    scores = run()
    if data is not None:
        place = data / "customer_service"
        scores += [
            strangers(place / "bitext_intents.csv.gz"),
            *clinc(place / "clinc150.json.gz"),
            banking(place / "banking77.csv.gz"),
        ]
    return scores


def _encoder() -> Encoder | None:
    try:
        return ENCODERS.get("minilm")()
    except MissingExtra:
        return None


def clinc(path: Path, encoder: Encoder | None = None) -> list[Score]:
    """CLINC150 (small training part): accuracy inside, recall of what is outside.

    Half of the development messages and the 100 outside ones of training set the threshold; the others are the test (the
    official test file is not in the data).
    """
    try:
        parts = json.loads(gzip.decompress(path.read_bytes()))
        train, middle = parts["train"], parts["val"]
        tuning, test = middle[::2] + parts["oos_train"], middle[1::2] + parts["oos_val"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} cannot be read as CLINC150: {error}.") from None
    model = ScopedIntents(encoder or _encoder()).fit([text for text, _ in train], [intent for _, intent in train])
    model.tune([text for text, _ in tuning], [intent for _, intent in tuning])
    found = model.guess([text for text, _ in test])
    inside = [
        one.inside and one.intent == intent for one, (_, intent) in zip(found, test, strict=True) if intent != OUTSIDE
    ]
    named = [one.intent == intent for one, (_, intent) in zip(found, test, strict=True) if intent != OUTSIDE]
    outside = [not one.inside for one, (_, intent) in zip(found, test, strict=True) if intent == OUTSIDE]
    protocol = f"150 intents, {'words and MiniLM' if model.encoder else 'words alone'}, half of the development part"
    rows = (("accuracy inside", inside), ("accuracy inside, no threshold", named), ("recall outside", outside))
    return [
        Score("clinc150", name, sum(v) / len(v), *wilson(sum(v), len(v)), len(v), chance=1 / 150, protocol=protocol)
        for name, v in rows
    ]


def banking(path: Path, encoder: Encoder | None = None) -> Score:
    """Banking77: accuracy on a fifth of the messages, held out by a hash."""
    try:
        rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8"))))
        pairs = [(row["text"], row["category"]) for row in rows]
    except (OSError, KeyError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as Banking77: {error}.") from None
    held = [split_of(text, validation=0, test=0.2) == "test" for text, _ in pairs]
    train = [pair for pair, out in zip(pairs, held, strict=True) if not out]
    test = [pair for pair, out in zip(pairs, held, strict=True) if out]
    model = ScopedIntents(encoder or _encoder()).fit([text for text, _ in train], [intent for _, intent in train])
    good = sum(
        one.intent == intent for one, (_, intent) in zip(model.guess([text for text, _ in test]), test, strict=True)
    )
    protocol = f"own split of the training file, {'words and MiniLM' if model.encoder else 'words alone'}"
    return Score(
        "banking77", "accuracy", good / len(test), *wilson(good, len(test)), len(test), chance=1 / 77, protocol=protocol
    )
