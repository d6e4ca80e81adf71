from groundup.language.toxicity import toxic_words, toxicity


def test_words_are_found_at_boundaries_with_their_kind():
    text = "You idiots, go hang yourself."
    assert [(text[a:b], kind) for a, b, kind in toxic_words(text)] == [
        ("idiots", "insult"),
        ("hang yourself", "violence"),
    ]


def test_innocent_words_that_hold_a_listed_one_stay_clean():
    assert toxicity("The class in Scunthorpe assessed cockpits, peacocks, shiitake and the therapist.") == 0.0
