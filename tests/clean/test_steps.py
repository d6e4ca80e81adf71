"""Each step on a text in sight."""

import pytest

from groundup.clean.base import STEPS, make_step, step_names
from groundup.clean.frames import without_front_matter, without_gutenberg_frame, without_licence_comment
from groundup.clean.main_text import main_text
from groundup.clean.options import CleanOptions
from groundup.core.document import Document, Dropped

STORY = (
    "Nora worked as a baker in Stonebridge. She wanted to find a small lamp because of the long winter. She went with "
    "her brother Tom to the market on Friday. On the way they saw a heron by the river. Tom said that it would be easy, "
    "and he was right. In the end Nora felt proud of it."
)


def document(text, number=0, **meta):
    return Document(text, "mine", f"doc-{number}", meta=meta)


def clean(step_name, *texts, kind="prose", **tables):
    """The texts through one step: a text, or the reason of the drop."""
    step = make_step(step_name, CleanOptions(**{step_name: tables} if tables else {}))
    documents = [document(text, number, kind=kind) for number, text in enumerate(texts)]
    step.learn(documents)
    return [item.reason if isinstance(item, Dropped) else item.text for item in map(step.apply, documents)]


@pytest.mark.parametrize("name", step_names())
def test_every_step_leaves_a_plain_story_alone_and_keeps_its_id(name):
    step = make_step(name, CleanOptions())
    original = document(STORY, kind="prose")
    step.learn([original])
    result = step.apply(original)
    assert isinstance(result, Document)
    assert (result.text, result.id) == (STORY, original.id)
    assert name in STEPS


def page(*parts):
    return f"<html><body>{''.join(parts)}</body></html>"


def test_html_becomes_its_main_text_with_tables_lists_and_code():
    text = main_text(
        page(
            "<nav><a href='/'>Home</a><a href='/x'>News</a></nav><article><h1>Title</h1>",
            f"<p>{STORY}</p><h2>Parts</h2><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "<ul><li>one</li><li>two</li></ul><pre class='language-python'>x = 1\n  y = 2</pre>",
            f"<p>{STORY}</p></article><footer>Copyright 2024</footer>",
        )
    )
    assert text.is_markdown
    assert text.text == (
        f"{STORY}\n\n## Parts\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n- one\n- two\n\n"
        f"```python\nx = 1\n  y = 2\n```\n\n{STORY}"
    )


def test_readers_comments_and_captions_are_no_main_text_unless_they_are_the_page():
    found = main_text(
        page(
            f"<article><h1>Title</h1><p>{STORY}</p><figure><img src='x'><figcaption>A lamp</figcaption></figure>",
            f"</article><div id='comments'><p>{'I did not like it. ' * 8}</p></div>",
        )
    )
    assert found.text == STORY
    assert main_text(page(f"<div class='comment-page'><p>{STORY}</p></div>")).text == STORY


def test_a_list_of_teasers_does_not_become_the_article():
    teasers = "".join(f"<div><p>{STORY[:130]} {number} of many more.</p></div>" for number in range(9))
    article = f"<p>{STORY}</p>" * 6
    assert main_text(page(f"<div>{article}</div><div>{teasers}</div>")).text == "\n\n".join([STORY] * 6)


def test_a_table_that_lays_out_a_page_is_no_table():
    found = main_text(
        page(
            f"<table><tr><td>Menu</td><td><p>{STORY}</p><p>{STORY}</p></td></tr><tr><td><a href='/'>Imprint</a></td></tr></table>"
        )
    )
    assert found.text == f"{STORY}\n\n{STORY}"


def test_a_short_page_and_a_whole_book_keep_all_visible_text():
    short = page("<h1>Hello</h1><p hidden>never</p><p>Just a <b>few</b> words</p>")
    assert main_text(short).text == "Hello\n\nJust a few words"
    book = page(f"<h1>Chapter 1</h1><header>By Nora</header><p>{STORY}</p><footer>The end</footer>")
    assert main_text(book, main_content=False).text == f"Chapter 1\n\nBy Nora\n\n{STORY}\n\nThe end"


@pytest.mark.parametrize(
    "broken",
    ["", "<", "<html>", "\x00<p>a</p>", "<div>" * 5000 + "deep", "<table><tr>", "<p>\ud800</p>", "<!doctype html>",
     "<?xml version='1.0' encoding='utf-16'?><html><body>x</body></html>"],
)  # fmt: skip
def test_broken_pages_never_fail(broken):
    assert isinstance(main_text(broken).text, str)


def test_a_page_without_text_is_dropped():
    assert clean("html", "<html><body><script>x()</script></body></html>", kind="html") == ["no_text"]


def test_lines_at_the_edges_of_many_documents_go_and_single_lines_stay():
    texts = [
        f"Tales of the Valley weekly\n\nStory {chr(97 + i) * 8}.\nIn the middle of it all.\nThe tail {chr(97 + i) * 9}."
        for i in range(12)
    ]
    cleaned = clean("boilerplate", *texts)
    assert cleaned == [text.split("\n\n", 1)[1] for text in texts]


def test_labelled_answers_are_data_however_common():
    texts = [f"Story {chr(97 + i) * 8}.\nAnswer: on Monday" for i in range(12)]
    assert clean("boilerplate", *texts) == texts


@pytest.mark.parametrize(
    "line",
    ["We use cookies to improve your experience.", "Home | News | Contact", "Skip to main content",
     "Copyright 2024 The Valley. All rights reserved.", "Subscribe to our newsletter now!", "Share this on Facebook"],
)  # fmt: skip
def test_known_lines_go_even_alone(line):
    assert clean("boilerplate", f"{line}\n{STORY}\n{line}") == [STORY]


@pytest.mark.parametrize(
    "line",
    ["He read more than ever, at home and at sea.", "The copyright of 1842 was disputed.", "| a | b | c |",
     "She found cookies in the jar.", "Home is where the heart is.", "2 > 1 and 3 > 2, said the teacher."],
)  # fmt: skip
def test_prose_that_sounds_like_boilerplate_stays(line):
    assert clean("boilerplate", f"{STORY}\n{line}\n{STORY}") == [f"{STORY}\n{line}\n{STORY}"]


def test_frames_are_removed():
    book = (
        "The Project Gutenberg EBook of X\n\n*** START OF THIS PROJECT GUTENBERG EBOOK X ***\n\nProduced by Y\n\n\n"
        "CHAPTER 1\n\nText.\n\nEnd of the Project Gutenberg EBook of X\n\n*** END OF THIS PROJECT GUTENBERG EBOOK X ***\nLicence"
    )
    assert without_gutenberg_frame(book) == "CHAPTER 1\n\nText."
    assert without_front_matter('---\ntitle: "A B"\ndate: 2020-01-02\n---\nText') == (
        "# A B\n\nText",
        {"title": "A B", "date": "2020-01-02"},
    )
    assert without_licence_comment("#!/bin/sh\n# Copyright 2020 X\n# Licensed\n\nls\n") == "#!/bin/sh\n\nls\n"
    assert (
        without_licence_comment("# about licences of drivers? no: plain\nx = 1")
        == "# about licences of drivers? no: plain\nx = 1"
    )


QUALITY = [
    ("Too few words here.", "gopher.too_short"),
    ("ab " * 100, "gopher.word_length"),
    ("# people around that house and their friends ... " * 20, "gopher.symbols"),
    ("the 123 456 and 789 1011 " * 20, "gopher.few_letters"),
    ("xylophone quantum zebra fjord glyph vortex " * 20, "gopher.no_common_words"),
    ("- People around that house and their friends.\n" * 20, "gopher.bullets"),
    (f"{STORY}\n" * 4, "repetition.duplicate_lines"),
    ("The dog and the cat went to that house to be with us. " * 20, "repetition.top_ngram"),
    (STORY + " Lorem ipsum dolor.", "c4.lorem_ipsum"),
    (STORY + " {x}", "c4.curly_brackets"),
    (" ".join(STORY.split()).replace(".", ",") + ".", "c4.few_sentences"),
]


@pytest.mark.parametrize(("text", "reason"), QUALITY)
def test_each_quality_rule_drops_what_it_is_for(text, reason):
    assert clean("quality", text) == [reason]


def test_fineweb_rules_see_lists():
    menu = "\n".join(f"{word} and the {word} of that" for word in STORY.replace(".", "").split())
    options = {"filters": ("fineweb",)}
    assert clean("quality", menu, **options) == ["fineweb.no_end_marks"]
    assert clean("quality", menu.replace("that", "it."), **options) == ["fineweb.short_lines"]


def test_code_is_not_judged_as_prose_and_thresholds_can_be_moved():
    assert clean("quality", "x = {}", kind="code") == ["x = {}"]
    assert clean("quality", "Too few.", gopher={"min_words": 0, "min_stop_words": 0}, filters=("gopher",)) == [
        "Too few."
    ]


def test_language_keeps_the_wanted_and_labels():
    german = "Der alte Mann ging zum Fluss, weil er die Boote sehen wollte, die sein Vater gebaut hatte."
    assert clean("language", STORY, german, keep=("en",)) == [STORY, "other_language"]
    labelled = make_step("language", CleanOptions()).apply(document(german))
    assert labelled.language == "de"


def test_duplicates_keep_the_longest_copy():
    longer = STORY + " And that was all."
    other = STORY.replace("baker", "pilot").replace("lamp", "kite").replace("heron", "goose").replace("winter", "race")
    assert clean("duplicates", STORY, longer, STORY.upper(), other) == ["near", longer, "exact", other]


def test_privacy_masks_drops_and_renames():
    text = "Write to jo@example.org."
    assert clean("privacy", text) == ["Write to [email]."]
    assert clean("privacy", text, action="drop") == ["personal_data"]
    assert clean("privacy", text, kinds=("phone",)) == [text]
    renamed = clean("privacy", text, text, action="pseudonym", key="k")
    assert renamed[0] == renamed[1] != text


def test_unknown_steps_are_refused_with_a_guess():
    with pytest.raises(ValueError, match="Did you mean 'boilerplate'"):
        CleanOptions(steps=("boilerplat",))
