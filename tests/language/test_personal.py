import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.language.personal import find, iban_is_valid, luhn, mask, pseudonym

CASES = [
    ("email", "Write to jo.doe+news@mail.example.com.", "jo.doe+news@mail.example.com"),
    ("card", "Card 4111 1111 1111 1111, please.", "4111 1111 1111 1111"),
    ("card", "Amex 378282246310005.", "378282246310005"),
    ("iban", "Pay to GB82 WEST 1234 5698 7654 32 today.", "GB82 WEST 1234 5698 7654 32"),
    ("iban", "Pay to DE89370400440532013000 TODAY", "DE89370400440532013000"),
    ("phone", "Call +44 20 7946 0958 after six.", "+44 20 7946 0958"),
    ("phone", "Call (415) 555-0123 after six.", "(415) 555-0123"),
    ("phone", "Tel 030 1234567.", "030 1234567"),
    ("ip", "The server 192.0.2.17 is down.", "192.0.2.17"),
    ("ip", "The server 2001:db8::ff00:42:8329 is down.", "2001:db8::ff00:42:8329"),
    ("mac", "Device 00:1B:44:11:3A:B7.", "00:1B:44:11:3A:B7"),
    ("ssn", "Her SSN is 123-45-6789.", "123-45-6789"),
    ("key", "Use AKIAIOSFODNN7EXAMPLE now.", "AKIAIOSFODNN7EXAMPLE"),
    ("key", 'password = "hunter2hunter22"', "hunter2hunter22"),
    ("birth_date", "Date of birth: 3 May 1980.", "3 May 1980"),
]


@pytest.mark.parametrize(("kind", "text", "value"), CASES)
def test_each_kind_is_found_whole(kind, text, value):
    assert [(item.kind, item.text) for item in find(text)] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "On 2020-01-02 at 12:30:45 we saw 1,234,567 birds.",
        "Version 1.2.3.4 of std::vector uses 127.0.0.1.",
        "Card 4111 1111 1111 1112 fails its check.",
        "GB82 WEST 1234 5698 7654 33 fails its check.",
        "SSN 000-12-3456 was never issued.",
        "token = os.environ.get(name)",
        "from x import y\n@pytest.mark.parametrize",
        "def solution(number: int = 10000000) -> int: return 1.7976931348623157e+308",
        "See rfc5280#section-4.2.1.6 and clone git@github.com:owner/name.",
        "https://site.example/pin/290763719666678361/?id=628006550642291",
        "Follow @someone, ISBN 978-3-16-148410-0.",
    ],
)
def test_look_alikes_are_left_alone(text):
    assert find(text) == []


def test_masking_leaves_the_rest_of_the_text():
    text = "Mail a@b.org or call +44 20 7946 0958."
    assert mask(text, find(text)) == "Mail [email] or call [phone]."
    assert mask(text, find(text), "remove") == "Mail  or call ."


def test_pseudonyms_are_consistent_for_a_key_and_keep_the_layout():
    first = pseudonym("phone", "+44 20 7946 0958", "k")
    assert first == pseudonym("phone", "+44 20 7946 0958", "k")
    assert first != pseudonym("phone", "+44 20 7946 0958", "other")
    assert [c.isdigit() for c in first] == [c.isdigit() for c in "+44 20 7946 0958"]


def test_checksums():
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert iban_is_valid("DE89370400440532013000")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789abz@.:-+() []=_/\nAKIA", max_size=200))
def test_findings_lie_in_the_text_and_do_not_overlap(text):
    place = 0
    for item in find(text):
        assert text[item.start : item.end] == item.text
        assert item.start >= place
        place = item.end


@pytest.mark.parametrize("piece", ["1", "1 ", "a@", "a.b.", "1:", "@", "secret=", "(0)", "+1-1-", "0 0-", "ab:"])
def test_time_is_linear_on_hostile_text(piece):
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        start = time.process_time()
        find(text)
        return time.process_time() - start

    seconds(1000)
    # Quadratic time would take 100 times as long for 10 times the text; allow 30 for noise
    assert seconds(200_000) < 30 * max(seconds(20_000), 0.004)
