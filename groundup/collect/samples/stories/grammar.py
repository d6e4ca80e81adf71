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
    ("{name} worked as {a_job} in {town}.", "{name} {town}+ka {job}+su work+en"),
    ("{name} lived in {town} and worked as {a_job}.", "{name} {town}+ka live+en and {job}+su work+en"),
    ("There was {a_job} called {name} in {town}.", "{town}+ka {job} {name} name+su be+en"),
)

WISH: tuple[Pattern, ...] = (
    ("{He} wanted to {verb} {a_thing} because of {cause}.", "{he} {cause_gloss}+ri {thing_gloss} {verb} want+en"),
    ("Because of {cause}, {he} wanted to {verb} {a_thing}.", "{cause_gloss}+ri {he} {thing_gloss} {verb} want+en"),
    ("{He} hoped to {verb} {a_thing} because of {cause}.", "{he} {cause_gloss}+ri {thing_gloss} {verb} hope+en"),
)

TRIP: tuple[Pattern, ...] = (
    (
        "{He} went to the {place} one {day} in {month} with {his} {relation} {friend}.",
        "{he} {place_gloss}+ko {day}+ta {month}+ka {he}+na {relation} {friend}+mo go+en",
    ),
    (
        "{He} walked to the {place} one {day} in {month} with {his} {relation} {friend}.",
        "{he} {place_gloss}+ko {day}+ta {month}+ka {he}+na {relation} {friend}+mo walk+en",
    ),
    (
        "{He} went with {his} {relation} {friend} to the {place} one {day} in {month}.",
        "{he} {he}+na {relation} {friend}+mo {place_gloss}+ko {day}+ta {month}+ka go+en",
    ),
)

# The day is told a second time: a word that comes back is a word worth copying. With days told once, a model of two
# million parameters never learned to copy them in 1,600 steps (docs/log.md).
SIGHT: tuple[Pattern, ...] = (
    ("They saw {an_animal} {spot} that {day}.", "they {spot_gloss} {animal} {day}+ta see+en"),
    ("That {day} they saw {an_animal} {spot}.", "{day}+ta they {spot_gloss} {animal} see+en"),
    ("{Spot} they saw {an_animal} that {day}.", "{spot_gloss} they {animal} {day}+ta see+en"),
)

# (good ending, bad ending): the same words, or the same words as often under both.
OUTCOME: tuple[tuple[Pattern, Pattern], ...] = (
    (
        (
            "It seemed that {name} would not {verb} the {thing}, but {he} did.",
            "{name} {thing_gloss} na {verb} seem+en but {he} {verb}+en",
        ),
        (
            "It seemed that {name} would {verb} the {thing}, but {he} did not.",
            "{name} {thing_gloss} {verb} seem+en but {he} na {verb}+en",
        ),
    ),
    (
        (
            "{friend} said that {name} would {verb} the {thing}, and {friend} was right.",
            "{friend} {name} {thing_gloss} {verb} say+en and {friend} right be+en",
        ),
        (
            "{friend} said that {name} would {verb} the {thing}, and {friend} was wrong.",
            "{friend} {name} {thing_gloss} {verb} say+en and {friend} wrong be+en",
        ),
    ),
    (
        (
            "{friend} said that {name} would not {verb} the {thing}, and {friend} was wrong.",
            "{friend} {name} {thing_gloss} na {verb} say+en and {friend} wrong be+en",
        ),
        (
            "{friend} said that {name} would not {verb} the {thing}, and {friend} was right.",
            "{friend} {name} {thing_gloss} na {verb} say+en and {friend} right be+en",
        ),
    ),
    (
        (
            "At noon it looked bad for them, but at dusk it looked good for them.",
            "noon+ta it they+na bad look+en but dusk+ta it they+na good look+en",
        ),
        (
            "At noon it looked good for them, but at dusk it looked bad for them.",
            "noon+ta it they+na good look+en but dusk+ta it they+na bad look+en",
        ),
    ),
    (
        (
            "What {name} hoped came true, and what {name} feared came to nothing.",
            "what {name} hope+en true come+en and what {name} fear+en nothing+ko come+en",
        ),
        (
            "What {name} feared came true, and what {name} hoped came to nothing.",
            "what {name} fear+en true come+en and what {name} hope+en nothing+ko come+en",
        ),
    ),
)

# {end} is what the hero felt in the end, {start} the opposite that is gone. Both are always named, so single words say
# nothing; the pair "felt sad" does. Endings without such a pair ("felt" for both) were tried: a model of the demo's size
# and minutes stays at chance on them (docs/log.md).
ENDING: tuple[Pattern, ...] = (
    (
        "At first {name} was {start} about it, but in the end {he} felt {end} about it.",
        "first+ta {name} it+ri {start} be+en but end+ta {he} it+ri {end} feel+en",
    ),
    (
        "In the end {he} felt {end} about it, but at first {name} was {start} about it.",
        "end+ta {he} it+ri {end} feel+en but first+ta {name} it+ri {start} be+en",
    ),
    (
        "{name} was {start} about it at first, but in the end {he} felt {end} about it.",
        "{name} first+ta it+ri {start} be+en but end+ta {he} it+ri {end} feel+en",
    ),
)

# kind -> phrasings; {who} is the name or the pronoun, {place} and the others come from the story. One fact each.
QUESTIONS: dict[str, tuple[str, ...]] = {
    "job": ("What was {who}'s job?", "What did {who} work as?"),
    "town": ("Where did {who} live?", "Where was {who}'s home?"),
    "wish": ("What did {who} want to do?", "What did {who} hope to do?"),
    "cause": ("Why did {who} want that?", "Why did {who} hope for that?"),
    "day": ("When did {who} go to the {place}?", "When did {who} go there?"),
    "place": ("Where did {who} go?", "Where did {who} go with {friend}?"),
    "companion": ("Who went with {who}?", "Who went to the {place} with {who}?"),
    "sight": ("What did {who} see on the way?", "Which animal did {who} see?"),
    "feeling": ("How did {who} feel in the end?", "What did {who} feel in the end?"),
}

# kind -> the answer, a span of the story. It begins with the word that leads to the fact in the story ("in Elmford",
# "she felt proud"):
# natural as a reply, and a small model finds the place by that word.
ANSWERS = {
    "job": "{a_job}",
    "town": "in {town}",
    "wish": "to {verb} {a_thing}",
    "cause": "because of {cause}",
    "day": "one {day} in {month}",
    "place": "to the {place}",
    "companion": "{his} {relation} {friend}",
    "sight": "{an_animal}",
    "feeling": "{he} felt {end}",
}

SUMMARY = {
    True: "{name} went to the {place} with {friend} and managed to {verb} the {thing}.",
    False: "{name} went to the {place} with {friend} but failed to {verb} the {thing}.",
}
