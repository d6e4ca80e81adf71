"""Stage 3: documents -> tokens. Train, load and use a tokenizer; the chat template; token shards. No torch.

special     the names every tokenizer of ours reserves
pattern     how text is cut into pre-tokens before anything is merged
bpe         byte-level BPE from scratch, readable: the idea
fast        the same through the `tokenizers` library: what runs
wordpiece, unigram, characters, byte_level    the other kinds
base        Tokenizer: train, load, save, encode, decode
chat        messages -> ids and the mask of what is learned
shards      memory-mapped tokens with document borders
stage       the front door
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Tokenizer": ".base",
        "SPECIAL": ".special",
        "TokenizerOptions": ".options",
        "Rendered": ".chat",
        "render": ".chat",
        "parse": ".chat",
        "TokenShards": ".shards",
        "ShardWriter": ".shards",
    },
)
