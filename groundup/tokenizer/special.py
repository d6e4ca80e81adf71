"""The special tokens, reserved at training in this order: their ids are 0, 1, 2 ... in every tokenizer of ours.

Text never contains them: encoding text that looks like one gives ordinary tokens. Only the code that builds
documents and chats writes their ids.
"""

from __future__ import annotations

END_OF_TEXT = "<|endoftext|>"  # border between documents, and the first token of every text
PAD = "<|pad|>"
SYSTEM = "<|system|>"
USER = "<|user|>"
ASSISTANT = "<|assistant|>"
TOOL = "<|tool|>"
END = "<|end|>"  # end of a turn
TOOL_CALL = "<|tool_call|>"
TOOL_END = "<|tool_end|>"
MASK = "<|mask|>"
CLS = "<|cls|>"
SEP = "<|sep|>"
UNKNOWN = "<|unk|>"
FIM_PREFIX = "<|fim_prefix|>"  # fill in the middle, for code
FIM_MIDDLE = "<|fim_middle|>"
FIM_SUFFIX = "<|fim_suffix|>"
EXTRA = tuple(f"<|extra_{number}|>" for number in range(16))  # for what a later tuning needs

SPECIAL = (
    *(END_OF_TEXT, PAD, SYSTEM, USER, ASSISTANT, TOOL, END, TOOL_CALL, TOOL_END),
    *(MASK, CLS, SEP, UNKNOWN, FIM_PREFIX, FIM_MIDDLE, FIM_SUFFIX),
    *EXTRA,
)
