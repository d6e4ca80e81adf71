"""finetune: from a base model to one that answers, judges or reads.

FinetuneOptions, StepOptions   the [finetune] table and its named steps (`options`)
run                            one step: model folder in, tuned model folder out (`stage`)
read, Origin, available        data addresses -> examples of one split (`data`); files of people (`formats`, `shapes`)
derive, arithmetic             examples from the documents' own structure; sums made on the spot
messages_of, question_of       the conversation of any example, shared with evaluation (`prompts`)
pack                           conversations into rows without cutting one (`conversations`)
framing, heads                 how each family reads a text; a linear head on what it makes of it
open_reader                    a tuned folder as what it is (`read_model`): Classifier, SpanReader, Tagger, RewardModel, Writer
Embedder                       sentence vectors (`embed`)
prefer, reinforce, rewards     DPO; GRPO and the rules that reward
lora, freezing, distill        adapters; layers that stay; learning from a teacher
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Classifier": ".classify",
        "Embedder": ".embed",
        "FinetuneOptions": ".options",
        "Origin": ".data",
        "RewardModel": ".reward",
        "SpanReader": ".spans",
        "StepOptions": ".options",
        "Tagger": ".tag",
        "Writer": ".text_step",
        "available": ".data",
        "messages_of": ".prompts",
        "open_reader": ".read_model",
        "pack": ".conversations",
        "question_of": ".prompts",
        "read": ".data",
        "run": ".stage",
    },
)
