"""Customer service: works with no trained model; the policy is code.

app (the library call) <- dialogue (the conversation) <- policy (the gate: the only way to the database) <- tools,
database; intents and phrases (what is wanted), slots (what is told), replies (all words), proposer (an optional model),
simulator and attacks (how it is measured), evaluate (the scores).
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__, {"Gate": ".policy", "Policy": ".options", "Support": ".app", "SupportOptions": ".options"}
)
