"""samples:small_talk: greetings, identity, thanks, goodbyes and questions from outside the model's world.

A model trained on one small world should say so: whatever lies outside is answered "I only know what I was trained
on." Openers are put together from patterns and words with much variety; answers are few and fixed, so that a tiny
model can learn to tell the kinds apart. `held_out` gives 50 openers that training never shows, `sensible` judges an
answer to one of them by rules.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from groundup.core.document import Document, document_id
from groundup.core.example import Example
from groundup.core.randomness import python_random

LICENCE = "Apache-2.0"  # ours
OPENERS = ("Hello!", "Who are you?", "What can you do?")  # shown when a chat opens; often in the training data

ANSWERS = {
    "greeting": "Hello! Tell me a short story and ask me about it.",
    "identity": "I am a small language model, trained from scratch with groundup.",
    "how_are_you": "I am fine, thank you. How are you?",
    "thanks": "You are welcome.",
    "goodbye": "Goodbye! See you soon.",
    "capabilities": "I can answer questions about a short story, sum it up, and say how it ends.",
    "unknown": "I only know what I was trained on.",
}

# Patterns of openers; "|" separates patterns, {words} are filled from WORDS.
PATTERNS = {
    "greeting": """{hi}|{hi} {you}|{hi} again|{hi} again {you}|{day} {you}|{day}|{hi}, {day}|well {hi} {you}
        |{hi} {hi}|{hi}, nice to meet you|nice to meet you|nice to see you {you}|{hi}, anybody there|is anybody there
        |{hi} from {country}|welcome back {you}|{hi}, I am {name}|{hi}, my name is {name}|my name is {name}""",
    "identity": """who are you|what are you|{hi}, who are you|{hi}, what are you|what is your name|do you have a name
        |what are you called|tell me {please} who you are|can you tell me who you are|tell me about yourself
        |introduce yourself|please introduce yourself|are you a {thing}|are you {human}|who am I talking to
        |what am I talking to|who made you|who built you|who trained you|who created you|how were you {made}
        |where do you come from|where were you {made}|what kind of {machine} are you|which model are you
        |what model is this|is this a {machine}|are you really a {machine}|so who are you|and who are you {you}
        |say who you are|describe yourself|what should I call you|who is this|may I ask who you are""",
    "how_are_you": """how are you|how are you {now}|{hi}, how are you|{hi} {you}, how are you {now}|how are you doing
        |how are you doing {now}|how do you do|how is it going|how is it going {now}|how goes it|how have you been
        |are you well|are you well {now}|are you okay|are you feeling {well}|how do you feel|how do you feel {now}
        |{hi}, how is it going|what is up|how is your day|how was your {time}|is everything {well} with you
        |{hi}, are you well|and how are you|so how are you {now}""",
    "thanks": """{thank}|{thank} {you}|{thank} very much|{thank} so much|{thank} a lot|{thank} for {help}
        |{thank} very much for {help}|{thank}, that was {great}|{thank}, that is {great}|that was {great}, {thank}
        |that was {great}|you are {great}|that is very {great} of you|great, {thank}|okay, {thank}|I am grateful
        |I really appreciate {help}|I want to thank you|many thanks|many thanks for {help}|well done|good job
        |{thank}, you helped me|{thank} again|much appreciated|perfect, {thank}""",
    "goodbye": """{bye}|{bye} {you}|{bye} for now|{bye}, {thank}|okay, {bye}|I have to go {now}|I have to go, {bye}
        |I must leave {now}|I am leaving|I am off {now}|see you {later}|until {later}|talk to you {later}
        |{thank} and {bye}|have a {good} {time}|it is time to go|time to say {bye}|that is all, {bye}
        |I will come back {later}|good night|good night {you}|sleep well|take care|take care {you}|{bye}, have a {good} {time}
        |let us talk again {later}|that is all for {now}|I am done {now}, {bye}""",
    "capabilities": """what can you do|what can you do for me|{hi}, what can you do|what are you able to do|help
        |what do you know|how can you help me|can you help me|can you help me {please}|help me {please}|I need help
        |what are you good at|what are you good for|what can I ask you|what may I ask|what should I ask you
        |what questions can you answer|what are your skills|what is your job|what is your purpose|how do you work
        |how do I use you|how can I use you|what do you do|what are you for|show me what you can do
        |tell me what you can do|tell me {please} what you can do|which things can you do|do you have any skills
        |what kind of questions can I ask|give me an example of what you can do|what can we do {now}
        |what can we talk about|what would you like to talk about|where do I start|how does this work""",
    "unknown": """what is the capital of {country}|where is {country}|how big is {country}|who {rules} {country}
        |what is the population of {country}|how do I get to {country}|what language do they speak in {country}
        |what is the weather in {country} {now}|what is the weather {now}|will it rain {now}|who won the {event}
        |who won the {event} in {year}|when was the {event}|when does the {event} begin|what happened in {year}
        |who {invented} the {invention}|when was the {invention} invented|how does a {invention} work
        |what is a {invention}|how much does a {invention} cost|how do I {task}|can you {task}|please {task}
        |can you {task} for me|teach me to {task}|explain {subject}|explain {subject} to me|what is {subject}
        |what do you think about {subject}|tell me about {subject}|tell me something about {subject}
        |do you know {subject}|do you know anything about {subject}|do you like {subject}|why is {subject} important
        |what is {number} plus {number}|what is {number} times {number}|how much is {number} minus {number}
        |who is {person}|who was {person}|how old is {person}|when was {person} born|what did {person} write
        |tell me about {person}|what time is it|what day is it|what is the date|what is the news {now}
        |what is the meaning of life|how far is the {far}|how hot is the {far}|what is the price of {subject}
        |which {invention} should I buy|recommend a {invention}|should I {task}|how long does it take to {task}
        |write a {piece} about {subject}|write me a {piece}|sing a song|tell me a joke|translate this into {language}
        |do you speak {language}|how do you say {subject} in {language}|{hi}, what is the capital of {country}
        |{hi}, can you {task}|is it true that {person} lives in {country}|what year is it|where was {person} born""",
}
_SHARE = {"unknown": 3.0, "identity": 1.5}  # taste: the outside is wide, so it gets the most practice; others 1

WORDS = {
    "hi": "hi|hello|hey|hi there|hello there|hey there|greetings|howdy|hiya|good day",
    "you": "friend|my friend|groundup|computer|robot|model|little model|you|everyone|assistant|buddy|dear",
    "day": "good morning|good afternoon|good evening|morning|evening",
    "please": "please|now|quickly|in short",
    "now": "now|today|tomorrow|tonight|this morning|this week|this evening|right now|these days",
    "name": "Ada|Ben|Clara|David|Emma|Felix|Grace|Henry|Ivy|Jonas|Kate|Leo|Maria|Noah|Olga|Peter|Rosa|Simon|Tara|Victor",
    "thing": "robot|person|human|machine|computer|bot|chatbot|program|language model|real person|woman|man|cat",
    "human": "human|real|alive|a human being|artificial|intelligent|conscious|someone I know",
    "machine": "machine|model|program|computer|assistant|robot|bot|system",
    "made": "made|built|trained|created|born|developed",
    "well": "well|fine|good|all right|okay|better|happy",
    "time": "day|night|morning|weekend|evening|week|afternoon",
    "thank": "thanks|thank you|thanks again|cheers|thank you kindly",
    "help": "your help|the help|the answer|your answer|helping me|your time|the story|everything|all your work|that",
    "great": "great|good|helpful|kind|nice|very helpful|wonderful|useful|perfect|brilliant|lovely|sweet",
    "bye": "bye|goodbye|bye bye|farewell|see you|so long|good bye|see you later|cheerio",
    "later": "later|soon|tomorrow|next time|next week|again|on Monday|in the evening|another day",
    "good": "good|nice|great|lovely|wonderful|pleasant",
    "country": """France|Spain|Italy|Germany|Japan|China|India|Brazil|Canada|Mexico|Egypt|Kenya|Norway|Sweden|Poland
        |Turkey|Russia|Peru|Chile|Cuba|Greece|Portugal|Austria|Belgium|Finland|Ireland|Iceland|Nigeria|Ghana|Morocco
        |Vietnam|Thailand|Korea|Australia|London|Paris|Berlin|Rome|New York|Tokyo|Moscow|Vienna|Madrid|Cairo""",
    "rules": "rules|governs|leads|discovered|won|attacked|is the president of|is the king of|was the queen of",
    "event": """World Cup|election|war|Olympic Games|final|tennis match|race|lottery|football game|Nobel Prize|battle
        |revolution|moon landing|song contest|championship|cup|tour|debate""",
    "year": "1492|1789|1815|1914|1945|1969|1984|1989|1999|2001|2008|2012|2016|2020|2022|2024|the last century",
    "invented": "invented|made|discovered|built|designed|sold",
    "invention": """telephone|light bulb|steam engine|computer|rocket|car|television|camera|radio|aeroplane|microscope
        |printing press|battery|laser|satellite|phone|laptop|dishwasher|robot|black hole|star|vaccine|virus|motor""",
    "task": """bake bread|tie a tie|fix my car|write code|learn chess|cook rice|play the guitar|lose weight|book a flight
        |buy a house|draw a horse|find a job|train a dog|solve this equation|order a pizza|call a taxi|grow tomatoes
        |invest money|write an email|paint a wall|speak Spanish|fly a plane|check my blood pressure|do my homework
        |open the window|play some music|set an alarm|search the web|send a letter|predict the future|count to ten
        |install Linux|sort a list in Python|drive a car|swim|remember my birthday""",
    "subject": """physics|mathematics|history|chemistry|the universe|gravity|evolution|politics|money|music|football
        |democracy|climate change|quantum mechanics|philosophy|art|biology|the internet|space travel|electricity|gold
        |the stock market|religion|love|the brain|dinosaurs|oil|cooking|cars|medicine|the law|astronomy|volcanoes
        |photosynthesis|inflation|grammar|cryptography|the sea|time travel|vitamins|economics|poetry|chess|tennis""",
    "number": "two|three|four|five|six|seven|eight|nine|ten|12|15|17|20|25|31|48|64|99|100|250",
    "person": """Einstein|Newton|Shakespeare|Mozart|Napoleon|Caesar|Cleopatra|Darwin|Marie Curie|Gandhi|Lincoln|Beethoven
        |Picasso|Plato|Columbus|Galileo|Goethe|Homer|the president|the king|the pope|my mother|my neighbour|Hamlet
        |Sherlock Holmes|Robin Hood|Leonardo da Vinci|Kafka|Jane Austen|Charlie Chaplin""",
    "far": "moon|sun|next star|sea|north pole|airport|station|nearest town|planet Mars|edge of the universe",
    "piece": "poem|letter|song|novel|report|program|speech|recipe|joke|summary of the news|business plan|sonnet",
    "language": "French|German|Spanish|Italian|Latin|Chinese|Russian|Japanese|Arabic|Greek|Dutch|Swedish|Hindi",
}

# Openers that training never shows, however they are written.
HELD_OUT = {
    "greeting": """Hi there, little model!|Hello again, my friend!|Good evening, computer.|Hey there, buddy|Howdy, friend!
        |Hello, my name is Nora.|good morning, little model""",
    "identity": """Hello there, what are you?|Hey, who are you?|Please tell me who you are.|Are you really a person?
        |So what are you called?|What kind of bot are you?|And who made you?""",
    "how_are_you": """Hello there, how are you today?|How are you doing this evening?|hey, how are you doing
        |So, how do you feel today?|Hi robot, how is it going?|Are you all right today?""",
    "thanks": """Thank you so much for your answer!|Thanks a lot for everything.|Great, thank you very much!
        |thanks, you are very kind|Thank you kindly, that was lovely.|Okay, thanks again!""",
    "goodbye": """Goodbye, little model!|Okay, see you later.|I have to leave, bye!|bye bye, my friend
        |Thank you and goodbye!|Have a wonderful evening!""",
    "capabilities": """Hello, what can you do for me?|What can I ask you about?|So what can you do?
        |Please tell me what you can do.|How can you help?|what are you able to do for me""",
    "unknown": """What is the capital of Denmark?|Who won the chess tournament in 2010?|How do I repair a bicycle?
        |What is eleven plus forty?|Who was Isaac Newton?|Tell me about Mount Everest.|how does a windmill work
        |Can you book a hotel for me?|What is the weather in Lisbon today?|Write a poem about winter.
        |Explain relativity to me.|When was Leonardo born?""",
}  # fmt: skip

# What an answer has to say to be sensible, in lower case.
_SAYS = {
    "greeting": r"\b(hello|hi|hey|greetings|good (morning|day|afternoon|evening))\b",
    "identity": r"\b(model|groundup)\b",
    "how_are_you": r"\b(fine|i am well|i am good|doing well|great)\b",
    "thanks": r"\b(welcome|pleasure|glad|happy to|any time|no problem)\b",
    "goodbye": r"\b(bye|goodbye|see you|farewell|take care|good night)\b",
    "capabilities": r"\bi can\b.*\b(answer|story|stories|sum|questions?)\b",
    "unknown": r"\b(only know what i was trained on|do not know|don't know)\b",
}
MAX_WORDS = 40  # a longer answer to small talk has lost its way


def examples(name: str, count: int, seed: int) -> dict[str, Iterator[Example]]:
    """``{"chat": ...}``: `count` short conversations of one to four openers. The split follows the first."""
    return {"chat": _conversations(name, count, seed)}


def documents(name: str, count: int, seed: int, licence: str = "") -> Iterator[Document]:
    """Up to `count` different conversations written out, for those who want small talk in the pretraining text."""
    seen = set()
    for example in _conversations(name, count, seed):
        first = _plain(example.messages[0]["content"])
        if first not in seen:
            seen.add(first)
            lines = [f"{turn['role'].capitalize()}: {turn['content']}" for turn in example.messages]
            yield Document("\n".join(lines), name, first, licence or LICENCE, language="en")


def held_out() -> list[Example]:
    """The 50 held-out openers; `label` is the kind of answer that is sensible, `target` a model answer."""
    rows = []
    for kind, openers in HELD_OUT.items():
        for opener in _split(openers):
            message = {"role": "user", "content": opener}
            rows.append(Example("chat", messages=[message], label=kind, target=ANSWERS[kind], licence=LICENCE))
    return rows


def sensible(opener: Example, answer: str) -> bool:
    """Whether `answer` is a sensible reply to a held-out opener: short, and saying what its kind must say."""
    words = answer.lower().split()
    return 0 < len(words) <= MAX_WORDS and re.search(_SAYS[opener.label], " ".join(words)) is not None


def _conversations(name: str, count: int, seed: int) -> Iterator[Example]:
    kept_back = {_plain(opener) for openers in HELD_OUT.values() for opener in _split(openers)}
    for number in range(count):
        rng = python_random(seed, "small talk", number)
        turns = []
        # Half are one opener and its answer; the others teach that the last opener is the one to answer.
        for _ in range(rng.choices((1, 2, 3, 4), (4, 2, 1, 1))[0]):
            kind, opener = _opener(rng)
            while _plain(opener) in kept_back:
                kind, opener = _opener(rng)
            turns += [{"role": "user", "content": opener}, {"role": "assistant", "content": ANSWERS[kind]}]
        identity = document_id(name, _plain(turns[0]["content"]))
        yield Example("chat", document_id=identity, messages=turns, source=name, licence=LICENCE)


def _opener(rng: random.Random) -> tuple[str, str]:
    """One opener with its kind, written as people write: with or without capital and full stop."""
    kinds = list(PATTERNS)
    if rng.random() < 0.05:  # the three that a chat shows first
        return ("greeting", "identity", "capabilities")[place := rng.randrange(3)], OPENERS[place]
    kind = rng.choices(kinds, [_SHARE.get(kind, 1.0) for kind in kinds])[0]
    pattern = rng.choice(_split(PATTERNS[kind]))
    text = re.sub(r"\{(\w+)\}", lambda match: rng.choice(_split(WORDS[match[1]])), pattern)
    style = rng.random()
    if style < 0.2:  # typed in a hurry
        return kind, text.lower()
    is_question = re.match(
        r"(\w+, )?(\w+ )?(who|what|how|where|when|why|which|are|is|do|does|can|may|should|will)\b", text
    )
    mark = "?" if is_question and kind not in ("greeting", "thanks", "goodbye") else rng.choice(("!", ".", "."))
    return kind, text[0].upper() + text[1:] + ("" if style < 0.3 else mark)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split("|")]


def _plain(text: str) -> str:
    """An opener without capitals and marks: two spellings of one opener are the same."""
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))
