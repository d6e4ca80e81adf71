import pytest

from groundup.clean.text import repair

CASES = [
    ("plain text stays as it is.", "plain text stays as it is."),
    ("“Curly” quotes – and café stay.", "“Curly” quotes – and café stay."),
    ("It wasnâ€™t far, crÃ¨me brÃ»lÃ©e at the cafÃ©.", "It wasn’t far, crème brûlée at the café."),
    ("ÐŸÑ€Ð¸Ð²ÐµÑ‚, Ð¼Ð¸Ñ€!", "Привет, мир!"),
    ("soft\u00adhyphen and zero\u200bwidth", "softhyphen and zerowidth"),
    ("e\u0301", "\u00e9"),
    ("of\ufb01ce \ufb02ow", "office flow"),
    ("a\u00a0b\tc   d  \n\n\n\ne", "a b c d\n\ne"),
    ("one\r\ntwo\rthree", "one\ntwo\nthree"),
    ("bell\x07 and null\x00", "bell and null"),
    ("Tom &amp; Jerry &lt;3", "Tom & Jerry <3"),
    ("می\u200cخواهم", "می\u200cخواهم"),
]


@pytest.mark.parametrize(("dirty", "clean"), CASES)
def test_repair_restores_prose(dirty, clean):
    assert repair(dirty) == clean


@pytest.mark.parametrize("dirty", [dirty for dirty, _ in CASES])
def test_repairing_twice_changes_nothing_more(dirty):
    assert repair(repair(dirty)) == repair(dirty)


def test_code_and_markdown_keep_their_white_space():
    code = "def f():\n\tif x:\n\t\treturn  1\n\n\n\ndef g(): pass"
    assert repair(code, "code") == code
    assert repair("- a\n    - b  \n\n| a  | b |", "markdown") == "- a\n    - b\n\n| a  | b |"


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp1250", "cp1251"])
def test_mojibake_of_each_encoding_is_undone(encoding):
    clean = "The señora’s piñata cost 3€ — über die Straße."
    raw = clean.encode()
    dirty = "".join(bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in raw)
    assert repair(dirty) == clean
