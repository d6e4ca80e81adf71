"""Words, sentences, languages, personal data, toxic words, and a small linear classifier. No torch.

    words.words, words.sentences     splitting text
    identify.identify                which language, how sure
    personal.find, personal.mask     personal data: recognise and mask, drop or replace
    toxicity.toxic_words             a word list with boundaries
    linear.HashedLinear              logistic regression on hashed n-grams

Import from the modules: ``from groundup.language.words import words``.
"""
