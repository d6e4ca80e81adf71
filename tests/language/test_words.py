from groundup.language.words import sentences, unspaced_share, words


def test_words_keep_apostrophes_and_split_scripts_without_spaces():
    assert words("Don't stop, well-known 你好!") == ["Don't", "stop", "well-known", "你", "好"]


def test_sentences_do_not_end_at_titles_and_initials():
    text = 'Mr. Smith met J. Doe. "Why?" he asked. Then e.g. nothing!\n\nA heading\n\nThe end.'
    found = [text[start:end] for start, end in sentences(text)]
    assert found == ["Mr. Smith met J. Doe.", '"Why?" he asked.', "Then e.g. nothing!", "A heading", "The end."]


def test_unspaced_share_counts_han_and_thai_only():
    assert unspaced_share("plain") == 0.0
    assert unspaced_share("中文ab") == 0.5
