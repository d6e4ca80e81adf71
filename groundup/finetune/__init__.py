"""finetune: from a base model to one that answers.

FinetuneOptions, StepOptions   the [finetune] table and its named steps (`options`)
run                            one step: model folder in, tuned model folder out (`stage`)
read, Origin, available        data addresses -> examples of one split (`data`); files of people (`formats`)
derive                         examples from the documents' own structure (`derive`)
messages_of, question_of       the conversation of any example, shared with evaluation (`prompts`)
pack                           conversations into rows without cutting one (`conversations`)
Classifier, SpanReader         tuned models with a head, ready to use (`classify`, `spans`; files in `heads`)
lora                           adapters: attach, merge, export (`lora`)
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Classifier": ".classify",
        "FinetuneOptions": ".options",
        "Origin": ".data",
        "SpanReader": ".spans",
        "StepOptions": ".options",
        "available": ".data",
        "messages_of": ".prompts",
        "pack": ".conversations",
        "question_of": ".prompts",
        "read": ".data",
        "run": ".stage",
    },
)
