"""National identity, tax and health numbers with a check digit, by country.

A row: country, the fewest digits it holds, its pattern, its check, and (for bare digits) the words one of which must
stand shortly before, with pieces of them in lower case that are quickly searched for. The checks follow each country's
published rule; a number with neither a check nor letters of its own is left out unless a word announces it. Sources: the
issuing authorities' specifications, as collected in the OECD's "Tax identification numbers" country sheets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from groundup.language.recognisers import Finding, luhn, of_match

CONTEXT_REACH = 40  # characters before a bare number in which its announcing word must stand (taste)


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _nhs(raw: str) -> bool:
    """England and Wales: weights 10 to 2, modulo 11."""
    check = 11 - _weighted(raw, tuple(range(10, 1, -1))) % 11
    return check != 10 and check % 11 == int(raw[9])


def _dni(raw: str) -> bool:
    """Spain: the letter is the number modulo 23; X, Y, Z of foreigners count as 0, 1, 2."""
    number = raw[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == raw[-1]


_ODD_VALUES = "1 0 5 7 9 13 15 17 19 21 1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"
_ODD_PLACES = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", map(int, _ODD_VALUES.split()), strict=True))


def _codice_fiscale(raw: str) -> bool:
    """Italy: letters at odd places by a table, at even places by the alphabet, modulo 26."""
    total = sum(
        _ODD_PLACES[c] if place % 2 == 0 else (int(c) if c.isdigit() else ord(c) - 65)
        for place, c in enumerate(raw[:15])
    )
    return chr(65 + total % 26) == raw[15]


def _nir(raw: str) -> bool:
    """France: 97 minus the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    number = raw[:13].replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(raw[13:])


def _steuer_id(raw: str) -> bool:
    """Germany: ISO 7064 modulo 11, 10."""
    product = 10
    for digit in raw[:10]:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return raw[0] != "0" and (11 - product) % 10 == int(raw[10])


def _bsn(raw: str) -> bool:
    """The Netherlands: weights 9 to 2 and -1, modulo 11."""
    return int(raw) > 0 and _weighted(raw, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _belgium(raw: str) -> bool:
    """Belgium: 97 minus the first nine digits modulo 97; those born from 2000 on with a 2 before."""
    return any(97 - int(century + raw[:9]) % 97 == int(raw[9:]) for century in ("", "2"))


def _pesel(raw: str) -> bool:
    """Poland: weights 1 3 7 9, modulo 10."""
    month = int(raw[2:4]) % 20
    return 1 <= month <= 12 and (10 - _weighted(raw, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10) % 10 == int(raw[10])


def _hetu(raw: str) -> bool:
    """Finland: the date and the serial number as one number modulo 31."""
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(raw[:6] + raw[7:10]) % 31] == raw[10]


def _norway(raw: str) -> bool:
    """Norway: two check digits, modulo 11."""
    first = -_weighted(raw, (3, 7, 6, 1, 8, 9, 4, 5, 2)) % 11
    second = -_weighted(raw, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return first == int(raw[9]) and second == int(raw[10])


def _cpf(raw: str) -> bool:
    """Brazil: two check digits, modulo 11; eleven equal digits are no number."""
    first = _weighted(raw, tuple(range(10, 1, -1))) * 10 % 11 % 10
    second = _weighted(raw, tuple(range(11, 1, -1))) * 10 % 11 % 10
    return len(set(raw)) > 1 and (first, second) == (int(raw[9]), int(raw[10]))


def _china(raw: str) -> bool:
    """China: ISO 7064 modulo 11, 2."""
    weights = tuple(2 ** (17 - place) % 11 for place in range(17))
    return "10X98765432"[_weighted(raw[:17], weights) % 11] == raw[17].upper()


_TURN = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
_PERMUTED = [_TURN, [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _PERMUTED.append([_PERMUTED[1][digit] for digit in _PERMUTED[-1]])


def _dihedral(a: int, b: int) -> int:
    """The product in the symmetry group of the pentagon, as Verhoeff numbers its ten elements."""
    if a < 5:
        return (a + b) % 5 if b < 5 else (a + b - 5) % 5 + 5
    return (a - 5 - b) % 5 + 5 if b < 5 else (a - b) % 5


def _aadhaar(raw: str) -> bool:
    """India: Verhoeff's check (1969)."""
    state = 0
    for place, digit in enumerate(reversed(raw)):
        state = _dihedral(state, _PERMUTED[place % 8][int(digit)])
    return state == 0 and raw[0] not in "01"


def _sweden(raw: str) -> bool:
    """Sweden: Luhn over the last ten digits; the day of a coordination number is 60 higher."""
    month, day = int(raw[-8:-6]), int(raw[-6:-4])
    return 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91) and luhn(raw[-10:])


def _tfn(raw: str) -> bool:
    """Australia: weighted sum divisible by 11."""
    return _weighted(raw, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def _any(raw: str) -> bool:
    return True


@dataclass(frozen=True)
class _Number:
    """One kind of number. context: a pattern that must match shortly before, None when the form says enough; signs: one
    of these stands in whatever `context` matches."""

    country: str
    digits: int
    pattern: re.Pattern[str]
    check: Callable[[str], bool]
    context: re.Pattern[str] | None
    signs: tuple[str, ...]


def _row(
    country: str, digits: int, pattern: str, check: Callable[[str], bool], context: str = "", signs: str = ""
) -> _Number:
    bounded = re.compile(rf"(?<![0-9A-Za-z]){pattern}(?![0-9A-Za-z])")
    announced = re.compile(rf"(?i)\b(?:{context})\b") if context else None
    return _Number(country, digits, bounded, check, announced, tuple(signs.split("|")) if signs else ())


_BRITISH = r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]"
_ITALIAN = r"[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]"
_FRENCH = r"[1278] ?[0-9]{2} ?(?:0[1-9]|1[0-2]|[2-9][0-9]) ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}"
_SOCIAL = r"s[e\u00e9]curit[e\u00e9] sociale|NIR|INSEE|num[e\u00e9]ro de s[e\u00e9]cu"
_NUMBERS = (
    _row("gb", 6, _BRITISH, _any),
    _row("gb", 10, r"[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", _nhs, r"NHS(?: number| no\.?)?", "nhs"),
    _row("es", 8, r"[0-9]{8}-?[A-Z]", _dni, "DNI|NIF|identidad|identificaci[o\u00f3]n", "dni|nif|identi"),
    _row("es", 7, r"[XYZ]-?[0-9]{7}-?[A-Z]", _dni),
    _row("it", 1, _ITALIAN, _codice_fiscale),
    _row("fr", 13, _FRENCH, _nir, _SOCIAL, "sociale|nir|insee|ro de s"),
    _row("de", 11, r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _steuer_id,
         r"steuer[- ]?id\w{0,20}|IdNr\.?|tax id", "steuer|idnr|tax id"),
    _row("nl", 9, r"[0-9]{9}", _bsn, r"BSN|burgerservicenummer|sofi(?:nummer)?", "bsn|burgerservice|sofi"),
    _row("be", 11, r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}[- ][0-9]{3}[.-][0-9]{2}", _belgium),
    _row("pl", 11, r"[0-9]{11}", _pesel, r"PESEL", "pesel"),
    _row("fi", 9, r"[0-3][0-9][01][0-9]{3}[-+A-FU-Y][0-9]{3}[0-9A-FHJ-NPR-Y]", _hetu),
    _row("se", 10, r"(?:[0-9]{2})?[0-9]{6}[-+][0-9]{4}", _sweden,
         r"personnummer|personal(?: identity)? number|pnr", "personnummer|personal|pnr"),
    _row("no", 11, r"[0-9]{6} ?[0-9]{5}", _norway, r"f[o\u00f8]dselsnummer|personnummer|national id\w{0,10}",
         "dselsnummer|personnummer|national id"),
    _row("dk", 10, r"[0-3][0-9][01][0-9]{3}-?[0-9]{4}", _any, r"CPR(?:[- ]?(?:nr|nummer|number))?", "cpr"),
    _row("br", 11, r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", _cpf),
    _row("br", 11, r"[0-9]{11}", _cpf, r"CPF", "cpf"),
    _row("cn", 17, r"[1-8][0-9]{5}(?:19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx]", _china),
    _row("in", 12, r"[2-9][0-9]{3} ?[0-9]{4} ?[0-9]{4}", _aadhaar, r"aadhaa?r|UIDAI|UID", "aadha|uid"),
    _row("in", 4, r"[A-Z]{3}[ABCFGHLJPT][A-Z][0-9]{4}[A-Z]", _any, r"PAN(?: card| number| no\.?)?", "pan"),
    _row("ca", 9, r"[1-79][0-9]{2}[ -]?[0-9]{3}[ -]?[0-9]{3}", luhn, r"SIN|social insurance(?: number)?",
         "sin|social insurance"),
    _row("au", 9, r"[0-9]{3} ?[0-9]{3} ?[0-9]{3}", _tfn, r"TFN|tax file(?: number)?", "tfn|tax file"),
    _row("us", 9, r"9[0-9]{2}-(?:[57-9][0-9]|6[0-5])-[0-9]{4}", _any, r"ITIN|taxpayer", "itin|taxpayer"),
    _row("any", 6, r"[A-Z0-9]{1,3}[0-9-]{5,12}[0-9]", _any,
         r"driver'?s?'? licen[cs]e(?: (?:number|no\.?))?|driving licen[cs]e", "licen"),
    _row("any", 6, r"[A-Z]{0,2}[0-9]{6,9}", _any, r"passport(?: (?:number|no\.?))?", "passport"),
)  # fmt: skip
_SEPARATORS = str.maketrans("", "", " .-+")


def national_ids(text: str, start: int, end: int) -> Iterator[Finding]:
    """Numbers of text[start:end] that pass their country's check, as kind "national_id"."""
    plain = text[start:end].encode("ascii", "replace")
    digits = len(plain) - len(plain.translate(None, b"0123456789"))
    reach = max(0, start - CONTEXT_REACH)
    lower = text[reach:end].lower()
    for number in _NUMBERS:
        context = number.context
        if digits < number.digits or (context and not any(sign in lower for sign in number.signs)):
            continue  # too few digits, or the word is nowhere near: no need to look closer
        for match in number.pattern.finditer(text, start, end):
            if context and not context.search(text, max(0, match.start() - CONTEXT_REACH), match.start()):
                continue
            raw = match.group()
            keep_marks = number.check in (_hetu, _any)
            if number.check(raw if keep_marks else raw.translate(_SEPARATORS)):
                yield of_match(match, "national_id")
