"""A doctor-patient dialogue as a note: questions with yes or no become statements, the telling statements are kept.

"Doctor: Any chest pain? Patient: No." becomes "Denies chest pain." Everything else is the patient's own words in the third
person. Nothing is added; a bigger model may phrase the note, and its sentences stay only where the dialogue bears their
numbers and names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from groundup.apps.search.stem import stems
from groundup.language.words import sentences, words

TURN = re.compile(r"^\s*\[?(doctor|patient|guest[\w ]*|nurse|dr|clinician)\]?\s*:?\s*", re.I)
ASKS = re.compile(
    r"\b(?:any(?: history of| other| known)?|have you (?:ever )?(?:had|noticed|been|"
    r"experienced|felt)(?: any)?|do you (?:ever )?(?:have|feel|get|take|use)(?: any)?|"
    r"are you (?:having|experiencing|taking|allergic to)(?: any)?|did you (?:have|"
    r"notice)(?: any)?|is there any|how about|what about)\s+(.{3,140}?)\?",
    re.I,
)
NO = re.compile(r"^\W*(?:no|nope|nah|not|never|none|nothing|i don'?t|i haven'?t|negative)\b", re.I)
YES = re.compile(
    r"^\W*(?:yes|yeah|yep|yup|i do|i have|sure|correct|right|uh huh|mm-hmm|sometimes|a little|a lot)\b", re.I
)
EMPTY = re.compile(
    r"^\W*(?:hi|hello|hey|thanks?|thank you|okay|ok|great|all right|alright|i see|got it|"
    r"good|sure|um|uh|well|yes|no|yeah|bye|good (?:morning|afternoon)|nice "
    r"to)\b[^.?!]{0,25}[.?!]?$",
    re.I,
)
FILLER = re.compile(
    r"\b(?:um+|uh+|you know|i mean|like i said|well|so|actually|basically|i think|i guess|oh|okay)\b,?\s*", re.I
)
THIRD = (
    (r"\bI'?ve\b", "has"),
    (r"\bI'?m\b", "is"),
    (r"\bI was\b", "was"),
    (r"\bI am\b", "is"),
    (r"\bI have\b", "has"),
    (r"\bI had\b", "had"),
    (r"\bI do\b", "does"),
    (r"\bI don'?t\b", "does not"),
    (r"\bI\b", "the patient"),
    (r"\bmy\b", "their"),
    (r"\bme\b", "them"),
    (r"\byou'?re\b", "the patient is"),
    (r"\byour\b", "their"),
    (r"\byou\b", "the patient"),
)
# Section of a note -> words that speak of it; MTS-Dialog's names.
SECTIONS: dict[str, str] = {
    "FAM/SOCHX": "mother father brother sister family smoke smoking drink alcohol drugs married live "
    "work job children wife husband cigarettes retired occupation",
    "PASTMEDICALHX": "diabetes hypertension asthma history diagnosed condition conditions medical disease",
    "PASTSURGICAL": "surgery surgeries operation removed procedure replacement appendix tonsils hysterectomy",
    "ALLERGY": "allergy allergies allergic reaction hives penicillin sulfa",
    "MEDICATIONS": "medication medications medicine taking pill pills mg dose prescription",
    "ROS": "chest breath nausea vomiting fever chills cough headache dizziness denies appetite weight vision",
    "EXAM": "exam listen lungs heart abdomen tender normal",
    "PLAN": "follow return appointment recommend refer start continue",
    "GENHX": "started ago pain since began symptoms noticed",
    "CC": "today brings visit reason",
}
MOST_WORDS = {
    "CC": 12,
    "ALLERGY": 12,
    "PASTSURGICAL": 22,
    "MEDICATIONS": 22,
    "FAM/SOCHX": 40,
    "PASTMEDICALHX": 24,
    "GENHX": 90,
    "ROS": 50,
}
USUAL_WORDS = 40  # of other sections; the mean of MTS-Dialog's training notes is 43


@dataclass(frozen=True)
class Statement:
    """One thing the note may say. turn: the turn it comes from."""

    text: str
    turn: int
    is_answer: bool


def turns(dialogue: str) -> list[tuple[str, str]]:
    """``(speaker, what was said)``; a line without a speaker goes on the turn before."""
    found: list[tuple[str, str]] = []
    for line in dialogue.splitlines():
        match = TURN.match(line)
        said = line[match.end() :].strip() if match else line.strip()
        if match and said:
            found.append(("doctor" if match.group(1).lower() in ("doctor", "dr", "clinician") else "patient", said))
        elif said and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {said}")
        elif said:
            found.append(("patient", said))
    return found


def statements(dialogue: str) -> list[Statement]:
    """Everything the dialogue states, in order."""
    found: list[Statement] = []
    said = turns(dialogue)
    for place, (speaker, text) in enumerate(said):
        asked = said[place - 1][1] if place and said[place - 1][0] == "doctor" else ""
        question = list(ASKS.finditer(asked))
        if speaker == "patient" and question and (NO.match(text) or YES.match(text)):
            verb = "Denies" if NO.match(text) else "Reports"
            found.append(Statement(f"{verb} {_clean(question[-1].group(1))}.", place, True))
        for start, end in sentences(text):
            sentence = text[start:end]
            if sentence.endswith("?") or EMPTY.match(sentence) or len(words(sentence)) < 3:
                continue
            found.append(Statement(_third(sentence), place, speaker == "patient" and bool(asked)))
    return found


def section_of(dialogue: str) -> str:
    """The section a dialogue is most likely about."""
    said = stems(dialogue)
    counts = {name: sum(said.count(one) for one in set(stems(cue))) for name, cue in SECTIONS.items()}
    return max(counts, key=lambda name: counts[name]) if any(counts.values()) else "GENHX"


def summarize(dialogue: str, section: str = "") -> str:
    """The note: statements of the patient first, those that speak of the section before others, up to a usual length."""
    name = section or section_of(dialogue)
    cues = set(stems(SECTIONS.get(name, "")))
    limit = MOST_WORDS.get(name, USUAL_WORDS)
    found = statements(dialogue)

    def value(place: int) -> float:
        one = found[place]
        said = set(stems(one.text))
        return (
            2.0 * bool(said & cues)
            + 0.5 * one.is_answer
            + 0.4 * one.text.startswith(("Denies", "Reports"))
            - 0.02 * place
            + min(8, len(said)) / 16
        )

    kept: list[int] = []
    number = 0
    for place in sorted(range(len(found)), key=lambda one: -value(one)):
        size = len(words(found[place].text))
        if not kept or number + size <= limit * 1.1:
            kept.append(place)
            number += size
    return " ".join(found[place].text for place in sorted(kept))


def lead(dialogue: str, limit: int) -> str:
    """The rival: what is said first, up to `limit` words, speakers left out."""
    return " ".join(" ".join(text for _, text in turns(dialogue)).split()[:limit])


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\b(?:your|you)\b", "the", text)).strip(" ,.")


def _third(sentence: str) -> str:
    text = FILLER.sub("", sentence).strip()
    for old, new in THIRD:
        text = re.sub(old, new, text, flags=re.IGNORECASE if old.startswith(r"\by") or "my" in old else 0)
    text = re.sub(r"^(?:Yes|No|Yeah),?\s*", "", text)
    return text[:1].upper() + text[1:]
