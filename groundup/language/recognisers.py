"""Recognisers of personal data with a form of its own: e-mail, card, IBAN, phone, IP, MAC, SSN, keys, birth dates, URLs.

Each yields findings and may overlap with others; `personal.find` decides. Those that need digits search only the
windows around digits. Every pattern is bounded (no nested or open-ended repetition): time is linear in the text.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One piece of personal data: text[start:end] and its kind."""

    start: int
    end: int
    kind: str
    text: str


def luhn(digits: str) -> bool:
    """The check of payment cards (ISO/IEC 7812): double every second digit from the right, sum divisible by 10."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_is_valid(iban: str) -> bool:
    """The check of IBANs (ISO 13616): country and check digits moved to the end, letters as numbers, 1 modulo 97."""
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def of_match(match: re.Match[str], kind: str, group: int | str = 0) -> Finding:
    """The finding that a group of a match is."""
    return Finding(match.start(group), match.end(group), kind, match.group(group))


_DIGITS = re.compile(r"[0-9]+")
MARGIN = 64  # characters around digits: longer than any recogniser reaches from a digit of its finding


def windows(text: str) -> Iterator[tuple[int, int, int]]:
    """(start, end, number of digits) of the parts of a text around its digits; most of prose is never searched."""
    start = end = -MARGIN
    digits = 0
    for match in _DIGITS.finditer(text):
        if match.start() - MARGIN > end:
            if end > 0:
                yield start, end, digits
            start, digits = max(0, match.start() - MARGIN), 0
        end = min(len(text), match.end() + MARGIN)
        digits += match.end() - match.start()
    if end > 0:
        yield start, end, digits


# The local part may hold 64 characters, a label 63 (RFC 5321, RFC 1035). Searched around each @, so a long run of
# letters without an @ costs nothing.
_LOCAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])")


def emails(text: str) -> Iterator[Finding]:
    """E-mail addresses."""
    place = text.find("@")
    while place >= 0:
        local = _LOCAL.search(text[max(0, place - 64) : place])
        domain = _DOMAIN.match(text, place + 1)
        if local and domain and local.group() != "git":  # git@github.com:owner/name names no one
            start, end = place - len(local.group()), domain.end()
            yield Finding(start, end, "email", text[start:end])
        place = text.find("@", place + 1)


_KEY = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255}|sk-[A-Za-z0-9_-]{20,200}"
    r"|sk_(?:live|test)_[A-Za-z0-9]{16,100}|xox[abprs]-[A-Za-z0-9-]{10,200}|AIza[0-9A-Za-z_-]{35}|hf_[A-Za-z0-9]{30,100}"
    r"|glpat-[A-Za-z0-9_-]{20,100}|eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,1000})\b"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z]{1,12} ){0,3}PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,8000}")
_NAMED_SECRET = re.compile(
    r"(?i)\b(?:api[_ -]?key|secret[_ -]?key|access[_ -]?key|auth[_ -]?token|access[_ -]?token|secret|token|password|passwd)"
    r"\b[\"']?\s{0,3}(?:[:=]|is)\s{0,3}[\"']?(?P<secret>[A-Za-z0-9_+/=.-]{12,200})(?![A-Za-z0-9_(\[])"
)


_KEY_SIGNS = (
    "AKIA",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "sk-",
    "sk_",
    "xox",
    "AIza",
    "hf_",
    "glpat-",
    "eyJ",
)


def keys(text: str) -> Iterator[Finding]:
    """API keys, tokens, private keys, and named secrets with their value."""
    if any(sign in text for sign in _KEY_SIGNS):
        for match in _KEY.finditer(text):
            if sum(character.isdigit() for character in match.group()) >= 1:
                yield of_match(match, "key")
    if "PRIVATE KEY" in text:
        for match in _PRIVATE_KEY.finditer(text):
            yield of_match(match, "key")
    lower = text.lower()
    if len(lower) != len(text):  # a few capitals have two small letters
        lower = "".join(letter.lower()[:1] for letter in text)
    done = 0
    for place in sorted(place for word in ("key", "secret", "token", "passw") for place in _places(lower, word)):
        if place < done:
            continue
        named = _NAMED_SECRET.search(text, max(done, place - 8), place + 250)  # "access_" before, a secret behind
        if named is None:
            continue
        done = named.end()
        secret = named.group("secret")
        # A value, not a name: letters and digits mixed, no dotted path such as os.environ.get
        if sum(c.isdigit() for c in secret) >= 2 and any(c.isalpha() for c in secret) and "." not in secret:
            yield of_match(named, "key", "secret")


def _places(text: str, word: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + 1)


_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")


def _ibans(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _IBAN.finditer(text, start, end):
        raw = match.group()
        for cut in _cuts(raw):  # the pattern may have run into the next word: try shorter ends too
            plain = raw[:cut].replace(" ", "")
            if 15 <= len(plain) <= 34 and iban_is_valid(plain):
                yield Finding(match.start(), match.start() + cut, "iban", raw[:cut])
                break


def _cuts(raw: str) -> Iterator[int]:
    yield len(raw)
    place = raw.rfind(" ")
    while place > 15:
        yield place
        place = raw.rfind(" ", 0, place)


_CARD = re.compile(
    r"(?<![0-9A-Za-z./=_-])(?:[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|3[0-9]{3}([ -]?)[0-9]{6}\2[0-9]{4,5}|[0-9]{12,19})"
    r"(?![0-9A-Za-z-]|\.[0-9])"
)


# Beginnings and lengths that issuers use: Visa, Mastercard, American Express, Discover, Diners, JCB, Maestro
_ISSUED = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}"
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|35[0-9]{14}|(?:1800|2131)[0-9]{11}|(?:50|5[6-8]|6[0-9])[0-9]{14}"
)
# Behind these words any number of a card's length that passes the check is one: Maestro issues 12 digits and more
_CARD_WORDS = re.compile(r"(?i)\b(?:card|cc|visa|master ?card|maestro|amex|credit|debit|pan)\b[^\n0-9]{0,40}\Z")


def _cards(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _CARD.finditer(text, start, end):
        digits = re.sub(r"[^0-9]", "", match.group())
        if luhn(digits) and (
            _ISSUED.fullmatch(digits) or _CARD_WORDS.search(text[max(0, match.start() - 60) : match.start()])
        ):
            yield of_match(match, "card")


_SSN = re.compile(r"(?<![0-9-])([0-9]{3})([- ])([0-9]{2})\2([0-9]{4})(?![0-9-])")
_SSN_PLAIN = re.compile(r"(?i)\b(?:ssn|social security(?: number| no\.?)?)\b[^0-9\n]{0,20}([0-9]{9})(?![0-9])")


def _ssns(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _SSN.finditer(text, start, end):
        area, group, serial = match.group(1), match.group(3), match.group(4)
        # Never issued: area 000, 666, 900-999; group 00; serial 0000 (Social Security Administration)
        if area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000":
            yield of_match(match, "ssn")
    for match in _SSN_PLAIN.finditer(text, start, end):
        yield of_match(match, "ssn", 1)


_MAC = re.compile(r"(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")


def _macs(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _MAC.finditer(text, start, end):
        yield of_match(match, "mac")


_IP4 = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z]|\.[0-9])")
_IP6 = re.compile(r"(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")
_VERSION = re.compile(r"(?i)(?:version|release|section|chapter|python|^v|\sv)[\s-]?\Z")


def _ips(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _IP4.finditer(text, start, end):
        parts = [int(part) for part in match.group().split(".")]
        # Loopback, wildcard and masks name no one; four small numbers after "version" are a version
        if (
            max(parts) > 255
            or parts[0] in (0, 127, 255)
            or _VERSION.search(text[max(0, match.start() - 10) : match.start()])
        ):
            continue
        yield of_match(match, "ip")
    for match in _IP6.finditer(text, start, end):
        raw = match.group()
        if sum(c.isdigit() for c in raw) < 2 or raw.count(":") < 3:
            continue
        try:
            address = ipaddress.IPv6Address(raw)
        except ValueError:
            continue
        if not address.is_loopback and not address.is_unspecified:
            yield of_match(match, "ip")


# A phone number: international with +, North American grouping, a national number that opens with 0, or any longer
# run of digits beside a word that announces one. An extension may follow.
_EXTENSION = r"(?: ?(?:x|ext\.?) ?[0-9]{1,6})?"
_PHONE_SHAPES = (
    re.compile(
        r"(?<![0-9A-Za-z+])\+[0-9]{1,3}[ .\-/]?(?:\([0-9]{1,5}\)[ .\-/]?)?[0-9]{1,5}(?:[ .\-/]?[0-9]{2,5}){1,5}"
        rf"{_EXTENSION}(?![0-9A-Za-z])"
    ),
    re.compile(
        r"(?<![0-9A-Za-z.+-])(?:(?:\+?1|001)[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}"
        rf"{_EXTENSION}(?![0-9A-Za-z-]|\.[0-9])"
    ),
    # Not before another group of digits, nor before a name: "03262 2437 Main St" is a house
    re.compile(
        r"(?<![0-9A-Za-z.,/+-])\(?0[1-9][0-9]{0,3}\)?[ /-][0-9]{2,8}(?:[ /-]?[0-9]{2,8}){0,4}"
        r"(?![0-9A-Za-z]|[.,/-][0-9]| [0-9(]| [A-Z][a-z])"
    ),
)
_PHONE_CONTEXT = re.compile(
    r"(?i)\b(?:phone|tel|telephone|call|mobile|cell|desk|office|fax|whatsapp|ring|dial|hotline|helpline|sms|texts?|"
    r"messages? to|answer(?:ing)? at|contact|text me|reach (?:me|him|her|us))\b"
    r"(?:[ :.#]|number|no\b|is\b|at\b|me\b|us\b|on\b|to\b|him\b|her\b|them\b){0,8}"
    r"(?P<number>[+(]?[0-9][0-9() .\-/]{5,20}[0-9](?: ?x ?[0-9]{1,6})?)(?![0-9A-Za-z]| [0-9])"
)
_PHONE_BEFORE = re.compile(
    r"(?i)(?<![0-9A-Za-z./+-])(?<![0-9],)(?P<number>[+(]?[0-9][0-9() .\-/]{5,20}[0-9](?: ?x ?[0-9]{1,6})?)"
    r"[ ,-]{1,2}\(?(?:office|fax|mobile|cell|desk|home|work|direct)\b"
)
_DATE_LIKE = re.compile(r"^(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})")


_LISTED = """phone tel call mobile cell desk office fax whatsapp ring dial line sms text message answer contact reach home
work direct"""
_PHONE_WORDS = tuple(_LISTED.split())


def _phones(text: str, start: int, end: int) -> Iterator[Finding]:
    lower = text[start:end].lower()
    announced = (_PHONE_CONTEXT, _PHONE_BEFORE) if any(word in lower for word in _PHONE_WORDS) else ()
    for pattern in (_PHONE_SHAPES[0], *announced, *_PHONE_SHAPES[1:]):
        group = "number" if "number" in pattern.groupindex else 0
        for match in pattern.finditer(text, start, end):
            if _is_phone(match.group(group)):
                yield of_match(match, "phone", group)


def _is_phone(raw: str) -> bool:
    digits = sum(character.isdigit() for character in raw)
    return 7 <= digits <= 17 and not _DATE_LIKE.match(raw.strip("( "))


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_BIRTH = re.compile(
    r"(?i)\b(?:date of birth|birth ?date|birthday|dob|d\.o\.b\.?|born on|born:)[^0-9\n]{0,16}?"
    rf"(?P<date>[0-9]{{1,2}}[./-][0-9]{{1,2}}[./-][0-9]{{2,4}}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? [0-9]{{4}}|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}})"
)


def _birth_dates(text: str, start: int, end: int) -> Iterator[Finding]:
    lower = text[start:end].lower()
    if not any(word in lower for word in ("birth", "born", "dob", "d.o.b")):
        return
    for match in _BIRTH.finditer(text, start, end):
        yield of_match(match, "birth_date", "date")


# A web address with its scheme, or a bare host under "www."; closing punctuation belongs to the sentence
_URL = re.compile(r"(?i)\b(?:https?://|www\.)[a-z0-9][a-z0-9.-]{1,250}(?::[0-9]{1,5})?(?:/[^\s<>\"')\]}]{0,500})?")


def urls(text: str) -> Iterator[Finding]:
    """Web addresses."""
    if "://" not in text and "www." not in text.lower():
        return
    for match in _URL.finditer(text):
        plain = match.group().rstrip(".,;:!?")
        yield Finding(match.start(), match.start() + len(plain), "url", plain)


# The surest first: a checksum or a fixed prefix beats a shape, a shape beats context. With the fewest digits of each
NUMERIC: tuple[tuple[int, Callable[[str, int, int], Iterator[Finding]]], ...] = (
    (4, _ibans),
    (4, _birth_dates),
    (1, _macs),
    (2, _ips),
    (9, _ssns),
    (12, _cards),
    (7, _phones),
)
