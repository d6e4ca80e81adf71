"""The words of the drafts: sentences for each kind of text and tone, and the examples the tone classifier learns from.

{p} stands for a point of the outline (a noun phrase), {topic} for its subject. All of our own making.
"""

from __future__ import annotations

TONES = ("formal", "friendly", "plain")
KINDS = ("e-mail", "article", "product", "story", "poem")
GREETING = {"formal": "Dear {to},", "friendly": "Hi {to},", "plain": "Hello {to},"}
CLOSING = {"formal": "Yours sincerely,", "friendly": "Thanks so much and see you soon,", "plain": "Regards,"}
# How a point that is a phrase becomes a sentence.
POINT = {
    "formal": (
        "I would like to draw your attention to {p}.",
        "Furthermore, we kindly ask you to consider {p}.",
        "In addition, {p} requires our careful attention.",
        "It should also be noted that {p} is of importance here.",
    ),
    "friendly": (
        "First up: {p}!",
        "And guess what, there is also {p}.",
        "Oh, and don't forget {p}!",
        "I'm really glad about {p} too.",
    ),
    "plain": ("The first point is {p}.", "The next point is {p}.", "There is also {p}.", "Another point is {p}."),
}
OPENING = {
    "formal": ("I am writing to you with regard to {topic}.",),
    "friendly": ("I hope you're doing great! I just wanted to chat about {topic}.",),
    "plain": ("This is about {topic}.",),
}
# Sentences that may be added to reach a length; they say nothing that is not known.
MORE = {
    "formal": (
        "Please do not hesitate to contact me should you require further information.",
        "I would appreciate your reply at your earliest convenience.",
        "We have considered the matter with due care and remain at your disposal.",
        "Kindly let us know whether the proposed course of action meets with your approval.",
        "Your consideration of the above is greatly appreciated.",
        "Should any of these matters require clarification, I shall be pleased to provide it.",
        "We remain committed to a satisfactory outcome for all parties concerned.",
        "May I thank you in advance for your kind assistance in this regard.",
        "The relevant particulars will be supplied upon request.",
        "It is our sincere intention to conclude this matter without undue delay.",
    ),
    "friendly": (
        "Let me know what you think!",
        "I can't wait to hear from you.",
        "It's going to be fun, I promise.",
        "Just drop me a line whenever you like.",
        "Honestly, I think you'll love it.",
        "No rush at all, so take your time!",
        "If anything is unclear, just ask me, okay?",
        "You're the best for taking a look.",
        "I'm super happy to help with anything you need.",
        "Let's catch up about it over coffee some day soon!",
    ),
    "plain": (
        "Please tell me if this works.",
        "You can reply to this message.",
        "More details can follow.",
        "Nothing else has to be done now.",
        "These are the facts as they stand today.",
        "I will send an update when things change.",
        "The list above is complete.",
        "Questions can be sent at any time.",
        "Each point can be looked at on its own.",
        "We can change the order if needed.",
    ),
}
# The same for texts that are no letters.
MORE_OF_TEXT = {
    "formal": (
        "The subject merits closer examination.",
        "It is therefore appropriate to consider the matter in greater depth.",
        "A number of observations may be made in this regard.",
        "Consequently, a careful assessment is advisable.",
        "The significance of the matter ought not to be underestimated.",
        "Further enquiry would undoubtedly prove instructive.",
        "In conclusion, the considerations set out above deserve due attention.",
        "Each of these aspects contributes to a comprehensive understanding.",
    ),
    "friendly": (
        "Pretty great, right?",
        "You'll see what we mean in no time!",
        "We just love this part.",
        "And that's only the start, folks!",
        "Give it a go and tell us how it went!",
        "Trust us, it's worth it.",
        "There's something here for everybody, so dive in!",
        "Who wouldn't want that?",
    ),
    "plain": (
        "That is the main idea.",
        "It is easy to check.",
        "Each part has its use.",
        "There is more than one way to look at it.",
        "This helps in daily life.",
        "The details depend on the case.",
        "It takes little time to learn.",
        "The points belong together.",
    ),
}
TEXT_OPENING = {
    "article": {
        "formal": "The present article is concerned with {topic}.",
        "friendly": "Let's talk about {topic}, shall we?",
        "plain": "This article is about {topic}.",
    },
    "product": {
        "formal": "We are pleased to present {topic}.",
        "friendly": "Say hello to {topic}!",
        "plain": "This is {topic}.",
    },
    "story": {
        "formal": "It is recorded that there once was {topic}.",
        "friendly": "So, picture this: once upon a time there was {topic}!",
        "plain": "Once there was {topic}.",
    },
}
STORY = {
    "formal": (
        "In due course there appeared {p}.",
        "Thereupon followed {p}.",
        "It was subsequently observed that {p} had come to pass.",
    ),
    "friendly": (
        "And then, would you believe it, along came {p}!",
        "Next thing you know, there was {p}.",
        "And guess who showed up: {p}!",
    ),
    "plain": ("Then came {p}.", "After that there was {p}.", "In the end there was {p}."),
}
# Couplets: both ends are ours, so that they rhyme whatever the point says.
COUPLETS = (
    ("I think of {p} in morning light,", "and keep it with me through the night."),
    ("There's {p} where the rivers bend,", "it waits for me like some old friend."),
    ("Oh, {p}, as the seasons turn,", "there's always something left to learn."),
    ("With {p} comes a quiet song,", "I did not know it all along."),
    ("For {p} I would cross the sea,", "and hope that it would wait for me."),
    ("And {p} when the day is done,", "shines softly like the setting sun."),
    ("See {p} underneath the sky,", "a small thing that will never die."),
    ("Then {p} comes with falling rain,", "and makes the old world new again."),
)
# Full sentences in each tone for the classifier, besides those above; none of them is in `cases.TONE_CASES`.
EXAMPLES = {
    "formal": (
        "Dear Sir or Madam, I am writing to enquire about the position advertised.",
        "We regret to inform you that your application has been unsuccessful.",
        "Pursuant to our agreement, payment is due within thirty days of receipt.",
        "The committee hereby resolves to adjourn the meeting until further notice.",
        "Please find enclosed the documents which you requested.",
        "I should be grateful if you would confirm receipt.",
        "The undersigned wishes to express his gratitude to the members of the board.",
        "In accordance with the regulations, applicants shall submit the form in duplicate.",
        "We apologise for any inconvenience this may have caused.",
        "Moreover, the findings demonstrate a considerable improvement.",
        "It is imperative that all personnel comply with the aforementioned procedures.",
        "The results indicate that the hypothesis cannot be rejected.",
        "We would be delighted to welcome you to our premises.",
        "With reference to your letter of the fourth of May, we wish to advise you as follows.",
        "Notwithstanding these difficulties, the project was concluded satisfactorily.",
        "The management reserves the right to amend these conditions without prior notice.",
    ),
    "friendly": (
        "Hey there, how's it going?",
        "Thanks a million, you totally saved my day!",
        "Wow, that's awesome news!",
        "See you tomorrow, take care!",
        "Can't wait to see you guys on Saturday!",
        "No worries, it happens to all of us.",
        "Haha, that's so funny!",
        "Hope you're having a lovely week!",
        "Just wanted to say hi and see how you're doing.",
        "Yay, we did it!",
        "Sounds good to me, let's do it!",
        "Happy birthday, have a fantastic day!",
        "Come on over whenever you like, we'd love to have you.",
        "Don't worry about it, I've got you covered.",
        "Big hug to you and the kids!",
        "You're going to love this one, I promise!",
    ),
    "plain": (
        "The meeting is at ten.",
        "Turn off the power before you open the lid.",
        "The train leaves from platform two.",
        "The report has four parts.",
        "Water boils at one hundred degrees.",
        "The file is on the server.",
        "The shop closes at six.",
        "He put the keys on the table.",
        "The road is closed on Sunday.",
        "Add two eggs and stir.",
        "The park has three gates.",
        "Press the button to start.",
        "The price is ten dollars.",
        "The new office is near the station.",
        "She works in the library.",
        "The box holds twelve bottles.",
    ),
}


def tone_examples() -> list[tuple[str, str]]:
    """``(sentence, tone)`` of everything above that has a tone."""
    found: list[tuple[str, str]] = []
    for tone in TONES:
        said = [
            GREETING[tone],
            CLOSING[tone],
            *POINT[tone],
            *OPENING[tone],
            *MORE[tone],
            *MORE_OF_TEXT[tone],
            *EXAMPLES[tone],
        ]
        said += [kind[tone] for kind in TEXT_OPENING.values()] + list(STORY[tone])
        found += [(one.format(p="the plan", topic="the plan", to="Anna"), tone) for one in said]
    return found
