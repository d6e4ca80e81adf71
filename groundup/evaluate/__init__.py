"""Stage 6: a model -> scores that can be believed: interval, chance, best simple rival, protocol, hash of what was asked.

base         what a task is: items, answers, marks, metrics, rivals
subject      the model under test, asked in its own format
generation   tasks answered by writing
choice       tasks answered by likelihood
rows         benchmarks as small TOML files over local rows (`tasks/*.toml`)
files        tasks over a file of the user: labels, marked answers, summaries (`labels`, `spans`)
tasks/       the tasks that come with the house
baselines    what no model at all would get
scoring      marks -> scores with intervals; table: scores for a terminal; whole_set: metrics that are no mean
contamination    how many of the items share a piece with the training tokens
text         bits per byte and perplexity of any text
compare      is the difference between two models real?
stage        the front door
"""

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Comparison": ".compare",
        "EvaluateOptions": ".options",
        "Subject": ".subject",
        "Task": ".base",
        "find_task": ".catalogue",
        "load_subject": ".subject",
        "measure": ".text",
        "score_task": ".stage",
        "task_names": ".catalogue",
    },
)
