"""model -> people: the OpenAI-compatible server and the studio, one app on one port.

api.py       create_app(runs_folder, model=None): the app; serve(...): the app on a port
options.py   bounds and addresses
guard.py     what every request must pass: host, origin, key, size, headers
keys.py      who may ask: hashed keys with a role
metrics.py   what is counted, for Prometheus
openai.py    /v1: models, chat completions, completions, embeddings
requests.py  what /v1 accepts, every number bounded
answers.py   how OpenAI writes an answer
limits.py    how much each key may ask for
slow.py      connections that send nothing are closed
studio_api.py  /api: runs, events, chats, sources
making_api.py  /api: files in, a recipe and its plan out (projects.py)
work_api.py  /api: the applications
inside_api.py  /api: tokens and next tokens, documents and drops, scores and findings
worker.py    one thread that computes; requests join and leave between tokens
speaker.py   the engine as the worker sees it
opening.py   from a model's folder to a speaker; LoRA adapters
models.py    which runs and models there are
jobs.py      runs started from the browser
events.py    events.jsonl as a stream that can be picked up again
sources.py   where a text comes from
store.py     conversations and started runs, in SQLite
studio/      the pages: plain ES modules and CSS
"""

from __future__ import annotations

from groundup.core.registry import lazy

__getattr__, __dir__ = lazy(__name__, {"create_app": ".api", "serve": ".api", "ServeOptions": ".options"})
