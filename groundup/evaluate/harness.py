"""lm-evaluation-harness asks our models: its tasks, our engine.

    python -m groundup.evaluate.harness --model groundup --model_args path=FOLDER --tasks lambada_openai

takes the harness's own arguments and runs its own command; all that is added is the model "groundup" (the harness has no
entry point for models, so that `lm_eval` itself cannot find it; importing this module in a program of one's own registers
it as well). model_args: path (a model folder: ours, such as runs/demo/8_release, or any other), device.

Contexts and continuations are cut by the same rule as in the harness (its `_encode_pair`); ours read a border token first.
Needs the extra: pip install 'groundup[lm-eval]'
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundup.core.errors import MissingExtra
from groundup.evaluate.subject import Subject, load_subject
from groundup.evaluate.text import windows

try:
    from lm_eval.api.model import LM
    from lm_eval.api.registry import register_model
except ImportError:
    raise MissingExtra("lm-eval", "lm-eval", "Running lm-evaluation-harness") from None

MAX_TOKENS = 256  # the harness's default where a task names none


class GroundupLM(LM):
    """Our engine with the harness's three questions."""

    def __init__(self, path: str, device: str = "auto", **ignored: Any) -> None:
        super().__init__()
        self.subject: Subject = load_subject(Path(path), device=device, format="plain")

    def loglikelihood(self, requests: list[Any], **_: Any) -> list[tuple[float, bool]]:
        """(log-probability, would greedy decoding have written it) of each continuation after its context."""
        pairs = self.subject.pairs([(str(one.args[0]), str(one.args[1])) for one in requests])
        return [(one.logprob, one.is_greedy) for one in self.subject.score(pairs)]

    def loglikelihood_rolling(self, requests: list[Any], **_: Any) -> list[float]:
        """Log-probability of each whole text, in windows that overlap by half."""
        first = [self.subject.tokenizer.special["<|endoftext|>"]]
        cut = [
            windows(first + self.subject.tokenizer.encode(str(one.args[0])), self.subject.context_length)
            for one in requests
        ]
        scored = iter(self.subject.score([pair for pairs in cut for pair in pairs]))
        return [sum(next(scored).logprob for _ in pairs) for pairs in cut]

    def generate_until(self, requests: list[Any], **_: Any) -> list[str]:
        """Greedy answers up to the first of the task's stop strings."""
        from groundup.generate import Sampling

        prompts, samplings = [], []
        for one in requests:
            context, wanted = str(one.args[0]), dict(one.args[1])
            until = wanted.get("until") or []
            most = int(wanted.get("max_gen_toks", MAX_TOKENS))
            ids = self.subject.begin() + self.subject.tokenizer.encode(context)
            prompts.append(self.subject.fit(ids, most))
            stops = (until,) if isinstance(until, str) else tuple(until)
            samplings.append(Sampling(max_tokens=most, temperature=0.0, stop=tuple(stop for stop in stops if stop)))
        return [one.text for one in self.subject.engine.generate(prompts, samplings)]


def main() -> None:
    """The harness's own command, with our model known to it."""
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()


if __name__ == "__main__":
    # The class of this module's real name is the one to register; run as a script it would be another one.
    from groundup.evaluate import harness

    harness.main()
else:
    register_model("groundup")(GroundupLM)
