"""How a story of the small world is told: sentence patterns, each with its twin in the second language.

Every pattern is a pair (English, gloss). The gloss names stems in the word order of the second language (see
`language.py`): subject, object, verb; adjectives behind nouns; place markers behind their noun.

Two rules keep the endings honest. Each good ending has a bad twin of exactly the same words in another order, or the
same words appear as often under both; and a good and a bad feeling are always both named. So the words alone say
nothing about how a story ends: "It seemed that he would not find it, but he did" against
"It seemed that he would find it, but he did not".
"""

from __future__ import annotations

Pattern = tuple[str, str]

INTRODUCTION: tuple[Pattern, ...] = (
    ("{name} was {a_job} in {town}.", "{name} {town}+ka {job} be+en"),
    ("{name} lived in {town} and worked as {a_job}.", "{name} {town}+ka live+en and {job}+su work+en"),
    ("In {town} lived {a_job} called {name}.", "{town}+ka {job} {name} name+su live+en"),
)

WISH: tuple[Pattern, ...] = (
    ("{He} wanted to {verb} {a_thing} because of {cause}.", "{he} {cause_gloss}+ri {thing_gloss} {verb} want+en"),
    ("Because of {cause}, {he} wanted to {verb} {a_thing}.", "{cause_gloss}+ri {he} {thing_gloss} {verb} want+en"),
    ("{He} hoped to {verb} {a_thing} because of {cause}.", "{he} {cause_gloss}+ri {thing_gloss} {verb} hope+en"),
)

TRIP: tuple[Pattern, ...] = (
    (
        "On {day} {he} went to the {place} with {his} {relation} {friend}.",
        "{day}+ta {he} {place_gloss}+ko {he}+na {relation} {friend}+mo go+en",
    ),
    (
        "On {day} {he} walked to the {place} with {his} {relation} {friend}.",
        "{day}+ta {he} {place_gloss}+ko {he}+na {relation} {friend}+mo walk+en",
    ),
    (
        "{He} went to the {place} on {day} with {his} {relation} {friend}.",
        "{he} {place_gloss}+ko {day}+ta {he}+na {relation} {friend}+mo go+en",
    ),
)

SIGHT: tuple[Pattern, ...] = (
    ("On the way they saw {an_animal} {spot}.", "way+ka they {spot_gloss} {animal} see+en"),
    ("Together they saw {an_animal} {spot}.", "together they {spot_gloss} {animal} see+en"),
    ("{Spot} they saw {an_animal}.", "{spot_gloss} they {animal} see+en"),
)

# (good ending, bad ending): the same words, or the same words as often under both.
OUTCOME: tuple[tuple[Pattern, Pattern], ...] = (
    (
        (
            "It seemed that {name} would not {verb} it, but {he} did.",
            "{name} it na {verb} seem+en but {he} {verb}+en",
        ),
        (
            "It seemed that {name} would {verb} it, but {he} did not.",
            "{name} it {verb} seem+en but {he} na {verb}+en",
        ),
    ),
    (
        (
            "{friend} said that {name} would {verb} it, and {friend} was right.",
            "{friend} {name} it {verb} say+en and {friend} right be+en",
        ),
        (
            "{friend} said that {name} would {verb} it, and {friend} was wrong.",
            "{friend} {name} it {verb} say+en and {friend} wrong be+en",
        ),
    ),
    (
        (
            "{friend} said that {name} would not {verb} it, and {friend} was wrong.",
            "{friend} {name} it na {verb} say+en and {friend} wrong be+en",
        ),
        (
            "{friend} said that {name} would not {verb} it, and {friend} was right.",
            "{friend} {name} it na {verb} say+en and {friend} right be+en",
        ),
    ),
    (
        ("At noon their plan failed, but at dusk it worked.", "noon+ta plan they+na fail+en but dusk+ta it work+en"),
        ("At noon their plan worked, but at dusk it failed.", "noon+ta plan they+na work+en but dusk+ta it fail+en"),
    ),
    (
        (
            "What {name} hoped for happened, and what {he} feared did not.",
            "what {name} hope+en happen+en and what {he} fear+en na happen+en",
        ),
        (
            "What {name} feared happened, and what {he} hoped for did not.",
            "what {name} fear+en happen+en and what {he} hope+en na happen+en",
        ),
    ),
)

# {end} is what the hero felt in the end, {start} the opposite that is gone.
ENDING: tuple[Pattern, ...] = (
    (
        "At first {name} felt {start}, but in the end {he} felt {end}.",
        "first+ta {name} {start} feel+en but end+ta {he} {end} feel+en",
    ),
    ("In the end {name} felt {end} and not {start}.", "end+ta {name} {end} and na {start} feel+en"),
    ("In the end {name} was no longer {start} but felt {end}.", "end+ta {name} {start} na be+en but {end} feel+en"),
)

# kind -> phrasings; {who} is the name or the pronoun, {verb} and {place} come from the story. One fact each.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "job": ("What was {who}'s job?", "What work did {who} do?"),
    "town": ("Where did {who} live?", "In which town did {who} live?"),
    "wish": ("What did {who} want to {verb}?", "Which thing did {who} hope to {verb}?"),
    "cause": ("Why did {who} want to {verb} it?", "Why did {who} hope to {verb} it?"),
    "day": ("When did {who} go to the {place}?", "On which day did {who} go there?"),
    "place": ("Where did {who} go on {day}?", "Where did {who} go with {friend}?"),
    "companion": ("Who went with {who}?", "Who went to the {place} with {who}?"),
    "sight": ("What did {who} see on the way?", "Which animal did {who} see?"),
    "feeling": ("How did {who} feel in the end?", "What did {who} feel in the end?"),
}

SUMMARY = {
    True: "{name} went to the {place} with {friend} and managed to {verb} the {thing}.",
    False: "{name} went to the {place} with {friend} but failed to {verb} the {thing}.",
}
