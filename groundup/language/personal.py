"""Personal data in text: recognisers with checksums and context, and what to do with what they find.

Kinds: email, card (Luhn), iban (mod 97), phone, ip (v4, v6), mac, ssn (US, issued ranges only), key (API keys,
tokens, private keys), birth_date (by the words around it). In: text. Out: findings with character offsets.

Every pattern is bounded (no nested or open-ended repetition), so that time is linear in the text, whatever it holds.
What is left out: names and street addresses (they need a tagger), national ids other than the US one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

KINDS = ("email", "card", "iban", "phone", "ip", "mac", "ssn", "key", "birth_date")
ACTIONS = ("mask", "remove", "pseudonym")


@dataclass(frozen=True)
class Finding:
    """One piece of personal data: text[start:end] and its kind."""

    start: int
    end: int
    kind: str
    text: str


def find(text: str) -> list[Finding]:
    """All findings in order, without overlaps: where two recognisers claim the same place, the surer kind wins."""
    findings: list[Finding] = []
    covered = bytearray(len(text))  # 1 where a surer recogniser has claimed the character

    def take(found: Iterator[Finding]) -> None:
        for item in found:
            if 1 not in covered[item.start : item.end]:
                findings.append(item)
                covered[item.start : item.end] = b"\x01" * (item.end - item.start)

    take(_emails(text))
    take(_keys(text))
    windows = list(_windows(text))
    for recogniser in _NUMERIC:
        for start, end in windows:
            take(recogniser(text, start, end))
    return sorted(findings, key=lambda item: item.start)


def mask(text: str, findings: Iterable[Finding], action: str = "mask", key: str = "") -> str:
    """`text` with its findings masked ("[email]"), removed, or replaced by pseudonyms.

    A pseudonym has the shape of the original and is the same for the same original and `key` (HMAC-SHA256), so that
    references stay consistent; without the key it cannot be traced back by trying originals.
    """
    if action not in ACTIONS:
        raise ValueError(f"unknown action '{action}', expected one of {ACTIONS}")
    pieces: list[str] = []
    place = 0
    for item in sorted(findings, key=lambda item: item.start):
        pieces.append(text[place : item.start])
        if action == "mask":
            pieces.append(f"[{item.kind}]")
        elif action == "pseudonym":
            pieces.append(pseudonym(item.kind, item.text, key))
        place = item.end
    return "".join(pieces) + text[place:]


def pseudonym(kind: str, original: str, key: str) -> str:
    """A stand-in of the same kind and layout: digits become other digits, letters other letters."""
    digest = hmac.new(key.encode(), f"{kind}\n{original.strip().lower()}".encode(), hashlib.sha256).digest()
    if kind == "email":
        return f"person-{digest.hex()[:8]}@example.org"
    if kind == "ip":
        return f"10.{digest[0]}.{digest[1]}.{digest[2]}"
    stream = _stream(digest)
    drawn = []
    for character in original:
        if character.isdigit():
            drawn.append(str(next(stream) % 10))
        elif character.isalpha() and kind != "birth_date":
            letter = "abcdef"[next(stream) % 6]
            drawn.append(letter.upper() if character.isupper() else letter)
        else:
            drawn.append(character)
    return "".join(drawn)


def _stream(digest: bytes) -> Iterator[int]:
    while True:
        yield from digest
        digest = hashlib.sha256(digest).digest()


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


def _finding(match: re.Match[str], kind: str, group: int | str = 0) -> Finding:
    return Finding(match.start(group), match.end(group), kind, match.group(group))


_DIGITS = re.compile(r"[0-9]+")
MARGIN = 64  # characters around digits: longer than any recogniser reaches from a digit of its finding


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """The parts of a text around its digits; prose has few, so most of it is never searched."""
    start = end = -MARGIN
    for match in _DIGITS.finditer(text):
        if match.start() - MARGIN > end:
            if end > 0:
                yield start, end
            start = max(0, match.start() - MARGIN)
        end = min(len(text), match.end() + MARGIN)
    if end > 0:
        yield start, end


# The local part may hold 64 characters, a label 63 (RFC 5321, RFC 1035). Searched around each @, so a long run of
# letters without an @ costs nothing.
_LOCAL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_+-])?\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])")


def _emails(text: str) -> Iterator[Finding]:
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


def _keys(text: str) -> Iterator[Finding]:
    if any(sign in text for sign in _KEY_SIGNS):
        for match in _KEY.finditer(text):
            if sum(character.isdigit() for character in match.group()) >= 1:
                yield _finding(match, "key")
    if "PRIVATE KEY" in text:
        for match in _PRIVATE_KEY.finditer(text):
            yield _finding(match, "key")
    lower = text.lower()
    if not any(word in lower for word in ("key", "secret", "token", "passw")):
        return
    for match in _NAMED_SECRET.finditer(text):
        secret = match.group("secret")
        # A value, not a name: letters and digits mixed, no dotted path such as os.environ.get
        if sum(c.isdigit() for c in secret) >= 2 and any(c.isalpha() for c in secret) and "." not in secret:
            yield _finding(match, "key", "secret")


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
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}|35[0-9]{14}|(?:50|5[6-8]|6[0-9])[0-9]{14}"
)


def _cards(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _CARD.finditer(text, start, end):
        digits = re.sub(r"[^0-9]", "", match.group())
        if _ISSUED.fullmatch(digits) and luhn(digits):
            yield _finding(match, "card")


_SSN = re.compile(r"(?<![0-9-])([0-9]{3})([- ])([0-9]{2})\2([0-9]{4})(?![0-9-])")
_SSN_PLAIN = re.compile(r"(?i)\b(?:ssn|social security(?: number| no\.?)?)\b[^0-9\n]{0,20}([0-9]{9})(?![0-9])")


def _ssns(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _SSN.finditer(text, start, end):
        area, group, serial = match.group(1), match.group(3), match.group(4)
        # Never issued: area 000, 666, 900-999; group 00; serial 0000 (Social Security Administration)
        if area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000":
            yield _finding(match, "ssn")
    for match in _SSN_PLAIN.finditer(text, start, end):
        yield _finding(match, "ssn", 1)


_MAC = re.compile(r"(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])")


def _macs(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _MAC.finditer(text, start, end):
        yield _finding(match, "mac")


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
        yield _finding(match, "ip")
    for match in _IP6.finditer(text, start, end):
        raw = match.group()
        if sum(c.isdigit() for c in raw) < 2 or raw.count(":") < 3:
            continue
        try:
            address = ipaddress.IPv6Address(raw)
        except ValueError:
            continue
        if not address.is_loopback and not address.is_unspecified:
            yield _finding(match, "ip")


# A phone number: international with +, North American grouping, a national number that opens with 0, or any longer
# run of digits behind a word that announces one.
_PHONE_SHAPES = (
    re.compile(
        r"(?<![0-9A-Za-z+])\+[0-9]{1,3}[ .\-/]?(?:\([0-9]{1,5}\)[ .\-/]?)?[0-9]{1,5}(?:[ .\-/]?[0-9]{2,5}){1,5}(?![0-9A-Za-z])"
    ),
    re.compile(
        r"(?<![0-9A-Za-z.+-])(?:(?:\+?1|001)[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[2-9][0-9]{2}[ .-][0-9]{4}"
        r"(?: ?(?:x|ext\.?) ?[0-9]{1,6})?(?![0-9A-Za-z-]|\.[0-9])"
    ),
    re.compile(
        r"(?<![0-9A-Za-z.,/+-])\(?0[1-9][0-9]{0,3}\)?[ /-](?:[0-9]{2,8}[ /-]?){1,4}[0-9](?![0-9A-Za-z]|[.,/-][0-9])"
    ),
)
_PHONE_CONTEXT = re.compile(
    r"(?i)\b(?:phone|tel|telephone|call|mobile|cell|fax|whatsapp|ring|text me|reach (?:me|him|her|us))\b"
    r"(?:[ :.#]|number|no\b|is\b|at\b|me\b|us\b|on\b|him\b|her\b|them\b){0,8}"
    r"(?P<number>[+(]?[0-9][0-9() .\-/]{5,20}[0-9](?: ?x ?[0-9]{1,6})?)(?![0-9A-Za-z])"
)
_DATE_LIKE = re.compile(r"^(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4})")


def _phones(text: str, start: int, end: int) -> Iterator[Finding]:
    for pattern in _PHONE_SHAPES:
        for match in pattern.finditer(text, start, end):
            if _is_phone(match.group()):
                yield _finding(match, "phone")
    for match in _PHONE_CONTEXT.finditer(text, start, end):
        if _is_phone(match.group("number")):
            yield _finding(match, "phone", "number")


def _is_phone(raw: str) -> bool:
    digits = sum(character.isdigit() for character in raw)
    return 7 <= digits <= 17 and not _DATE_LIKE.match(raw.strip("( "))


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_BIRTH = re.compile(
    r"(?i)\b(?:date of birth|birth ?date|birthday|d\.?o\.?b\.?|born on|born:)[^0-9\n]{0,16}?"
    rf"(?P<date>[0-9]{{1,2}}[./-][0-9]{{1,2}}[./-][0-9]{{2,4}}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH},? [0-9]{{4}}|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}})"
)


def _birth_dates(text: str, start: int, end: int) -> Iterator[Finding]:
    for match in _BIRTH.finditer(text, start, end):
        yield _finding(match, "birth_date", "date")


# The surest first: a checksum or a fixed prefix beats a shape, a shape beats context. All need digits.
_NUMERIC: tuple[Callable[[str, int, int], Iterator[Finding]], ...] = (
    _ibans,
    _birth_dates,
    _macs,
    _ips,
    _ssns,
    _cards,
    _phones,
)
