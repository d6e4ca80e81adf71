"""What a message tells: order number, e-mail, address, product, reason. Patterns, no guesses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from groundup.apps.search.stem import STOP_WORDS, stem, tokens
from groundup.apps.support.intents import EMAIL, ORDER_NUMBER

# A street with a number, then a postcode with a city, in either order of number and street.
NAME = r"[A-Z\u00c0-\u00de][\w'.-]*"
STREET = rf"(?:{NAME}\s+){{1,4}}\d{{1,5}}[a-zA-Z]?(?:/\d+)?|\d{{1,5}}[a-zA-Z]?(?:\s+{NAME}){{1,4}}"
CITY = rf"(?:[A-Z]{{1,2}}-)?\d{{4,6}}\s+{NAME}(?:\s+{NAME}){{0,2}}|{NAME}\s+\d{{4,6}}"
ADDRESS = re.compile(rf"(?:{STREET})\s*,\s*(?:{CITY})")
LEAD_IN = re.compile(
    r"^(?:(?:it(?:'s| is)|to|the new (?:one|address) is|(?:my )?new address(?: is)?:?|please (?:use|send it to)|use)\s+)+",
    re.I,
)
BECAUSE = re.compile(r"\b(?:because|since|as|reason is|reason:)\b[:\s]*(.{3,200})", re.I | re.S)
PROBLEM = re.compile(
    r"\b(?:broken|damaged|faulty|defect\w*|scratch\w*|too (?:big|small|large|dark|bright|short|tall|heavy|high|low)|wrong|"
    r"flicker\w*|does(?: not|n't) (?:fit|work|match|suit)|do(?: not|n't) (?:like|need|want)|missing|"
    r"smashed|cracked|dead|dented)\b",
    re.I,
)


def order_number(text: str) -> str:
    """The first order number as we write it, GU-1001, or ''."""
    match = ORDER_NUMBER.search(EMAIL.sub(" ", text))
    digits = next((group for group in match.groups() if group), "") if match else ""
    return f"GU-{digits}" if digits else ""


def email(text: str) -> str:
    """The first e-mail address in lower case, or ''."""
    match = EMAIL.search(text)
    return match.group().lower().rstrip(".") if match else ""


def address(text: str, *, asked: bool) -> str:
    """A street with number, postcode and city. asked: the message answers our question, so that more is believed."""
    text = LEAD_IN.sub("", text.strip())
    match = ADDRESS.search(text)
    if match:
        return " ".join(match.group().split()).rstrip(".")
    words = text.split()
    if asked and 3 <= len(words) <= 14 and any(word.strip(",").isdigit() for word in words) and "," in text:
        return text.rstrip(" .!")
    return ""


def product(text: str, products: Sequence[str]) -> str:
    """The one product of the order that the message names; '' for none or more than one."""
    said = {stem(word) for _, _, word in tokens(text)} - STOP_WORDS
    full = [name for name in products if {stem(word) for word in name.split()} <= said]
    if len(full) == 1:
        return full[0]
    partly = [name for name in products if {stem(word) for word in name.split()} & said]
    return partly[0] if len(partly) == 1 and not full else ""


def reason(text: str, *, asked: bool) -> str:
    """Why, in the customer's words; a whole message when we asked for it."""
    match = BECAUSE.search(text)
    if match:
        return " ".join(match.group(1).split()).rstrip(".")[:300]
    if asked or PROBLEM.search(text):
        words = " ".join(EMAIL.sub("", text).split())
        return words[:300] if len(words) >= 2 else ""
    return ""
