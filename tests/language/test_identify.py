import pytest

from groundup.language.identify import identify

PASSAGES = {
    "en": "The old man went to the river because he wanted to see the boats that his father had built.",
    "de": "Der alte Mann ging zum Fluss, weil er die Boote sehen wollte, die sein Vater gebaut hatte.",
    "fr": "Le vieil homme est allé à la rivière parce qu'il voulait voir les bateaux de son père.",
    "es": "El viejo fue al río porque quería ver los barcos que su padre había construido.",
    "nl": "De oude man ging naar de rivier omdat hij de boten wilde zien die zijn vader had gebouwd.",
    "ru": "Старик пошёл к реке, потому что хотел увидеть лодки, которые построил его отец.",
    "zh": "老人去了河边,因为他想看看他父亲造的船。那些船很大,也很漂亮。",
}


@pytest.mark.parametrize("language", PASSAGES)
def test_a_sentence_tells_its_language(language):
    found, confidence = identify(PASSAGES[language])
    assert found == language
    assert 0.5 < confidence <= 1.0


def test_text_without_letters_has_no_language():
    assert identify("12345 --- 678") == ("", 0.0)


def test_the_cheap_exit_agrees_with_the_model_on_english():
    from groundup.language.identify import _identifier

    assert _identifier().classify(PASSAGES["en"])[0] == "en"
