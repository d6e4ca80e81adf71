"""Sentences for the risk flags and notes for de-identification, written by hand; `training` and the tests share no wording.

RISK_CASES: (sentence, risk or "" when nothing is to be flagged). `notes`: synthetic notes with what must be hidden.
"""

from __future__ import annotations

from collections.abc import Iterator

from groundup.core.randomness import python_random

RISK_CASES: tuple[tuple[str, str], ...] = (
    ("Crushing chest pain since this morning, going into the left arm.", "heart"),
    ("She woke up with tightness in the chest and chest pressure when walking.", "heart"),
    ("He is short of breath even when lying still.", "breathing"),
    ("Patient: I can't breathe when I climb the stairs.", "breathing"),
    ("His wife noticed slurred speech over breakfast.", "stroke"),
    ("There is sudden numbness and arm weakness.", "stroke"),
    ("He says he would be better off dead.", "suicide"),
    ("She told the nurse she wants to end her life.", "suicide"),
    ("Patient: I keep thinking about suicide.", "suicide"),
    ("He has been vomiting blood twice today.", "bleeding"),
    ("Black tarry stools for three days.", "bleeding"),
    ("There is blood in the urine.", "bleeding"),
    ("After the peanut his throat is closing.", "allergy"),
    ("Swelling of the lips and tongue began after the injection.", "allergy"),
    ("High fever of 103 with a stiff neck.", "infection"),
    ("She took too many sleeping pills last night.", "overdose"),
    ("Patient: He hits me when he drinks.", "violence"),
    ("The worst headache she ever had came on within seconds.", "head"),
    ("He passed out at work and was found on the floor.", "head"),
    ("She had two seizures on the way here.", "head"),
    ("Doctor: Any chest pain?\nPatient: Yes, when I run.", "heart"),
    ("Doctor: Have you had any shortness of breath?\nPatient: Yeah, at night.", "breathing"),
    ("No cough, but chest pain on exertion.", "heart"),
    ("Denied fever yesterday; now there is a stiff neck.", "infection"),
    ("Is coughing up blood and loses weight.", "bleeding"),
    ("Chest pain is absent.", ""),
    ("Denies chest pain, palpitations or dyspnea.", ""),
    ("There was no shortness of breath.", ""),
    ("The patient does not have suicidal thoughts.", ""),
    ("Never had a seizure.", ""),
    ("Negative for hematemesis and melena.", ""),
    ("Her father died of a heart attack.", ""),
    ("His sister has seizures.", ""),
    ("Family history of stroke.", ""),
    ("He had a stroke ten years ago.", ""),
    ("History of seizures as a child.", ""),
    ("Previous overdose in 2009.", ""),
    ("Return if you develop chest pain.", ""),
    ("Call us if there is heavy bleeding.", ""),
    ("Watch for swelling of the tongue.", ""),
    ("Doctor: Any chest pain?\nPatient: No.", ""),
    ("Doctor: Do you have any trouble breathing?\nPatient: Nope, none.", ""),
    ("Doctor: Have you ever passed out?\nPatient: No, never.", ""),
    ("Sepsis was ruled out.", ""),
    ("Without loss of consciousness.", ""),
    ("She was screened for domestic violence.", ""),
    ("Aspirin is given to prevent stroke.", ""),
    ("He walks two miles a day and sleeps well.", ""),
    ("The rash on her arm itches.", ""),
    ("Blood pressure is well controlled.", ""),
    ("Refill of the allergy medicine.", ""),
    ("He is worried about a heart attack because of his age.", ""),
    ("No blood in the stool was noted.", ""),
    ("Free of suicidal ideation.", ""),
    ("Educated about the signs of stroke.", ""),
    ("The mother has shortness of breath.", ""),
    ("Anaphylaxis to bee stings as a child, resolved.", ""),
    ("She denies any thoughts of self-harm.", ""),
    ("Chest pain was denied.", ""),
    ("Palpitations: none reported, denied today.", ""),
)
_RISKY = (
    "chest pain",
    "shortness of breath",
    "slurred speech",
    "suicidal thoughts",
    "vomiting blood",
    "swelling of the throat",
    "stiff neck",
    "an overdose",
    "seizures",
    "loss of consciousness",
    "palpitations",
    "heavy bleeding",
    "facial drooping",
)
_MEANT = (
    "The patient reports {r} since yesterday.",
    "Complains of {r}.",
    "She has had {r} all week.",
    "Presents with {r} and nausea.",
    "{R} started suddenly.",
    "Patient: I have {r}.",
    "Doctor: Do you have {r}?\nPatient: Yes, every day.",
    "He came in with {r}.",
    "No fever, but {r}.",
    "{R} with sweating.",
)
_NOT_MEANT = (
    "Denies {r}.",
    "No {r}.",
    "The patient has no {r} at this time.",
    "Without {r}.",
    "Negative for {r}.",
    "There was no sign of {r}.",
    "Her mother had {r}.",
    "Family history of {r}.",
    "History of {r} five years ago.",
    "{R} as a child.",
    "Come back if {r} occurs.",
    "Return for {r}.",
    "At risk of {r}.",
    "Doctor: Any {r}?\nPatient: No.",
    "Doctor: Have you had {r}?\nPatient: I haven't.",
    "{R} was ruled out.",
    "{R} is absent.",
    "Does not have {r}.",
)
NAMES = {
    "English": ("Harold Whitcombe", "Beatrice Lowell", "Gavin Thorne", "Mabel Ashcroft"),
    "Spanish": ("Guadalupe Reyes", "Ignacio Villareal", "Paloma Quintero", "Efrain Zamora"),
    "South Asian": ("Harpreet Dhillon", "Lavanya Subramanian", "Imtiaz Chowdhury", "Rukmini Deshpande"),
    "East Asian": ("Xiaoling Feng", "Haruki Nakagawa", "Seung-woo Bae", "Thuy Duong"),
    "African": ("Adaeze Nwosu", "Babajide Ogunleye", "Wanjiru Kamau", "Sipho Dlamini"),
    "Arabic": ("Samira Haddad", "Khalid Mansour", "Noura Al-Sayed", "Bilal Qureshi"),
}
_NOTES = (
    "{name} is a {age}-year-old patient seen on {date} in {place}. The patient complains of back pain. Phone {phone}.",
    "Doctor: Good morning, {first}. What brings you in?\nPatient: My knee hurts since "
    "{date}. I drove here from {place}.",
    "Seen by Dr. {last} at {hospital}. MRN: {mrn}. Follow up on {date2}. Lives at {street}, {place}.",
    "Daughter of {name} called from {phone} about the results. Write to {mail} or to {street}.",
    "{last}, {first}: stable. Signed, {name2}, on {date2}. Account number {mrn}.",
    "The patient, Mr. {last}, was admitted on {date} after a fall in {place}; his wife {first2} was with him.",
)


def training() -> Iterator[tuple[str, bool]]:
    """``(sentence, whether it is meant)`` for the weights of the flags."""
    for risk in _RISKY:
        for meant, templates in ((True, _MEANT), (False, _NOT_MEANT)):
            for template in templates:
                yield template.format(r=risk, R=risk[:1].upper() + risk[1:]), meant


def notes(number: int = 240, seed: int = 1) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """``(note, what must not be left in it, origin of the name)``."""
    random = python_random(seed, "notes")
    months = ("January", "March", "July", "October")
    for count in range(number):
        origin = list(NAMES)[count % len(NAMES)]
        name, name2 = random.sample(NAMES[origin], 2)
        (first, last), (first2, _) = name.split(" "), name2.split(" ")
        day, year = random.randint(1, 28), random.randint(1990, 2025)
        values = {
            "name": name,
            "name2": name2,
            "first": first,
            "last": last,
            "first2": first2,
            "age": str(random.randint(20, 88)),
            "date": f"{random.choice(months)} {day}, {year}",
            "date2": f"{random.randint(1, 12):02d}/{day:02d}/{year}",
            "place": random.choice(("Millbrook", "Oakhaven", "Tres Palmas", "Kenworth", "Duluth", "Chennai")),
            "phone": f"({random.randint(200, 989)}) {random.randint(200, 989)}-{random.randint(1000, 9999)}",
            "mrn": str(random.randint(1_000_000, 99_999_999)),
            "hospital": random.choice(("Mercy General Hospital", "Lakeside Clinic")),
            "street": f"{random.randint(1, 999)} {random.choice(('Cedar', 'Juniper', 'Walnut'))} "
            f"{random.choice(('Street', 'Avenue', 'Lane'))}",
            "mail": f"{first.lower()}.{last.lower()}@example.org",
        }
        template = _NOTES[count % len(_NOTES)] if count % 7 else random.choice(_NOTES)
        hidden = tuple(values[key] for key in values if key != "age" and "{" + key + "}" in template)
        yield template.format(**values), hidden, origin
