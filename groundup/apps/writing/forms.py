"""Forms of English words by rule, and the words that writers mix up.

`family("walks")` -> the forms a corrector may put in its place. Rules over-generate on purpose: a form counts only when
the statistics have seen it as a word.
"""

from __future__ import annotations

from functools import lru_cache

# base, third person, past, participle, -ing: the irregular verbs of everyday English.
_IRREGULAR = """be is was been being; be are were been being; be am was been being; have has had had having;
do does did done doing; go goes went gone going; say says said said saying; make makes made made making;
get gets got gotten getting; know knows knew known knowing; think thinks thought thought thinking;
take takes took taken taking; see sees saw seen seeing; come comes came come coming; give gives gave given giving;
find finds found found finding; tell tells told told telling; feel feels felt felt feeling;
become becomes became become becoming; leave leaves left left leaving; put puts put put putting;
mean means meant meant meaning; keep keeps kept kept keeping; begin begins began begun beginning;
show shows showed shown showing; hear hears heard heard hearing; run runs ran run running; hold holds held held holding;
bring brings brought brought bringing; write writes wrote written writing; sit sits sat sat sitting;
stand stands stood stood standing; lose loses lost lost losing; pay pays paid paid paying; meet meets met met meeting;
set sets set set setting; learn learns learned learned learning; lead leads led led leading;
understand understands understood understood understanding; speak speaks spoke spoken speaking;
read reads read read reading; spend spends spent spent spending; grow grows grew grown growing;
win wins won won winning; buy buys bought bought buying; send sends sent sent sending; build builds built built building;
fall falls fell fallen falling; cut cuts cut cut cutting; sell sells sold sold selling; eat eats ate eaten eating;
drive drives drove driven driving; break breaks broke broken breaking; choose chooses chose chosen choosing;
wear wears wore worn wearing; catch catches caught caught catching; teach teaches taught taught teaching;
sing sings sang sung singing; swim swims swam swum swimming; forget forgets forgot forgotten forgetting;
sleep sleeps slept slept sleeping; draw draws drew drawn drawing; throw throws threw thrown throwing;
fly flies flew flown flying; drink drinks drank drunk drinking; ring rings rang rung ringing; rise rises rose risen rising;
fight fights fought fought fighting; seek seeks sought sought seeking; shake shakes shook shaken shaking;
steal steals stole stolen stealing; lie lies lay lain lying; lay lays laid laid laying; hide hides hid hidden hiding"""
_PLURALS = """man men; woman women; child children; person people; foot feet; tooth teeth; mouse mice; goose geese;
life lives; wife wives; knife knives; half halves; leaf leaves; shelf shelves; self selves; wolf wolves; loaf loaves;
criterion criteria; phenomenon phenomena; analysis analyses; crisis crises; hypothesis hypotheses"""
# Words that writers mix up: by sound, by look, or in grammar. Own list.
_CONFUSED = """their there they're; its it's; your you're; to too two; then than; affect effect; lose loose; accept except;
who's whose; were we're where; of off; quiet quite; advice advise; practice practise; weather whether; passed past;
piece peace; principal principle; stationary stationery; complement compliment; here hear; brake break; buy by bye;
no know; now know; new knew; right write; week weak; see sea; wear where; which witch; would wood; one won; hole whole;
threw through; thorough through though; though thought; form from; desert dessert; breath breathe; cloths clothes;
chose choose; lead led; fewer less; much many; few little; amount number; among between; good well; bad badly;
this these; that those; me I; he him; she her; they them; we us; who whom; was were; is are; has have; do does; don't doesn't;
isn't aren't; wasn't weren't; hasn't haven't; a an; some any; every all; other another; each every; also too; since for;
during while; until by; say tell; said told; make do; bored boring; interested interesting; excited exciting;
everyday every; may maybe; already ready; altogether together; beside besides; later latter; personal personnel;
adapt adopt; allusion illusion; cite site sight; council counsel; device devise; elicit illicit; ensure insure assure;
farther further; hoping hopping; minor miner; moral morale; plain plane; precede proceed; role roll; sole soul; suit suite;
vain vein vane; waist waste; wander wonder; angel angle; bare bear; berth birth; board bored; cell sell; coarse course;
dear deer; die dye; fair fare; feat feet; flour flower; heal heel; hour our; idle idol; knight night; knot not; made maid;
mail male; meat meet; pair pear; pore pour poor; rain reign rein; sail sale; scene seen; stair stare; steal steel; tail tale;
wait weight; way weigh; ware wear; yoke yolk"""
PREPOSITIONS = ("in", "on", "at", "to", "for", "of", "with", "by", "from", "about", "into", "during")
ARTICLES = ("a", "an", "the")
# Words that other words run into, and how they are written.
JOINED = {
    "alot": "a lot",
    "infact": "in fact",
    "aswell": "as well",
    "atleast": "at least",
    "eventhough": "even though",
    "incase": "in case",
    "noone": "no one",
    "ofcourse": "of course",
    "thankyou": "thank you",
    "upto": "up to",
    "eachother": "each other",
    "highschool": "high school",
    "abit": "a bit",
    "inspite": "in spite",
    "alright": "all right",
    "atall": "at all",
    "everytime": "every time",
}
CONTRACTIONS = {
    "dont": "don't",
    "doesnt": "doesn't",
    "didnt": "didn't",
    "cant": "can't",
    "wont": "won't",
    "isnt": "isn't",
    "arent": "aren't",
    "wasnt": "wasn't",
    "werent": "weren't",
    "couldnt": "couldn't",
    "wouldnt": "wouldn't",
    "shouldnt": "shouldn't",
    "hasnt": "hasn't",
    "havent": "haven't",
    "hadnt": "hadn't",
    "im": "I'm",
    "ive": "I've",
    "youre": "you're",
    "theyre": "they're",
    "thats": "that's",
    "whats": "what's",
    "lets": "let's",
    "theres": "there's",
    "hes": "he's",
    "shes": "she's",
    "youve": "you've",
    "weve": "we've",
    "theyve": "they've",
    "youll": "you'll",
}
# After one of these at the head of a sentence a comma is usual.
OPENERS = frozenset(
    [
        "however",
        "therefore",
        "moreover",
        "furthermore",
        "finally",
        "unfortunately",
        "fortunately",
        "nevertheless",
        "meanwhile",
        "consequently",
        "additionally",
    ]
)


def _table() -> dict[str, frozenset[str]]:
    families: dict[str, set[str]] = {}
    for group in (*_IRREGULAR.split(";"), *_PLURALS.split(";")):
        words = set(group.split())
        for word in words:
            families.setdefault(word, set()).update(words)
    return {word: frozenset(others) for word, others in families.items()}


IRREGULAR = _table()
CONFUSED: dict[str, frozenset[str]] = {}
for _group in _CONFUSED.split(";"):
    for _word in _group.split():
        CONFUSED[_word.lower()] = CONFUSED.get(_word.lower(), frozenset()) | frozenset(
            one for one in _group.split() if one != _word
        )


@lru_cache(maxsize=100_000)
def family(word: str) -> frozenset[str]:
    """Every form that shares a base with `word` (lower case), itself left out; many are no words at all."""
    found: set[str] = set()
    for base in _bases(word):
        found |= _inflected(base)
    found |= IRREGULAR.get(word, frozenset())
    found.discard(word)
    return frozenset(found)


def kind_of(word: str) -> str:
    """The ending that tells the form: s, ed, ing or the plain word."""
    for ending in ("ing", "ed", "s"):
        if word.endswith(ending) and not word.endswith("ss"):
            return ending
    return "plain"


def _bases(word: str) -> set[str]:
    bases = {word}
    if len(word) < 4:
        return bases
    if word.endswith("ies"):
        bases.add(word[:-3] + "y")
    if word.endswith("es"):
        bases.add(word[:-2])
    if word.endswith("s") and not word.endswith("ss"):
        bases.add(word[:-1])
    for ending in ("ed", "ing"):
        stem = word[: -len(ending)]
        if word.endswith(ending) and len(stem) > 2:
            bases |= {stem, stem + "e"}
            if stem[-1] == stem[-2] and stem[-1] not in "aeiouls":
                bases.add(stem[:-1])
            if ending == "ed" and stem.endswith("i"):
                bases.add(stem[:-1] + "y")
    return bases


def _inflected(base: str) -> set[str]:
    if len(base) < 3:
        return {base}
    if base.endswith("y") and base[-2] not in "aeiou":
        return {base, base[:-1] + "ies", base[:-1] + "ied", base + "ing"}
    if base.endswith("e"):
        return {base, base + "s", base + "d", base[:-1] + "ing"}
    forms = {base, base + ("es" if base.endswith(("s", "x", "z", "ch", "sh")) else "s"), base + "ed", base + "ing"}
    if base[-1] in "bdgmnprt" and base[-2] in "aeiou" and (len(base) < 4 or base[-3] not in "aeiou"):
        forms |= {base + base[-1] + "ed", base + base[-1] + "ing"}
    return forms
