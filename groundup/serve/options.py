"""Bounds and addresses of the server. Everything a client can ask for has an upper end here."""

from __future__ import annotations

from pydantic import Field

from groundup.core.recipe import Options

MAX_TOKENS = 4096  # new tokens of one answer; taste: minutes on a CPU. The model's context bounds it again
MAX_MESSAGES = 256  # turns of one conversation
MAX_TEXT = 200_000  # characters of one prompt; far above any context we train, far below what slows a tokenizer
MAX_ANSWERS = 8  # n of one request
MAX_INPUTS = 256  # texts of one request for vectors; OpenAI's is 2,048, for machines with more than two cores
MAX_SCHEMA = 32_000  # characters of a JSON schema; taste: far above what people write by hand
MAX_TOOLS = 64  # functions of one request; taste
MAX_LOOKED = 2000  # characters of a text looked into
MAX_WATCHED = 48  # tokens whose attention is drawn; taste: squares that can still be told apart
MAX_TOP = 20  # alternatives of a token; OpenAI's


class ServeOptions(Options):
    """How the server listens and what it admits."""

    host: str = Field(default="127.0.0.1", description="the address to listen on; only this machine by default")
    port: int = Field(default=8765, ge=0, le=65535, description="0 chooses a free one")
    allowed_hosts: tuple[str, ...] = Field(default=(), description="further names under which a browser may call it")
    # 2 MB: ten times MAX_TEXT in UTF-8, so that a bound on text is met first and says more.
    max_body_bytes: int = Field(default=2_000_000, ge=1000, description="a larger request is refused")
    # 100 MB: above the longest PDF; collect.max_bytes bounds what one file may become again.
    max_file_bytes: int = Field(default=100_000_000, ge=1000, description="a larger uploaded file is refused")
    max_files: int = Field(default=5000, ge=1, description="files of one project uploaded from the browser")  # taste
    # 32: as many answers as the engine computes side by side; more would only wait.
    max_waiting: int = Field(
        default=32, ge=1, description="requests in work or waiting; the next one is told to come back"
    )
    # 10 minutes: the longest answer (MAX_TOKENS) of a 124M model on 2 cores, with room to spare. Taste.
    deadline_seconds: float = Field(
        default=600.0, gt=0, description="an answer not finished by then ends with what it has"
    )
    # 20 seconds: 2 MB on a slow line; who sends slower than that holds a place on purpose. Taste.
    read_seconds: float = Field(
        default=20.0, gt=0, description="a request whose head or body is not there by then ends"
    )
    # 256: eight times as many as are answered at once; each costs a file handle and some kB. Taste.
    max_connections: int = Field(default=256, ge=1, description="open connections; one more is turned away")
    # 256 MB: 3,500 tokens of a 124M GPT-2 in fp32, some ten conversations. Taste.
    prefix_bytes: int = Field(default=256_000_000, ge=0, description="memory for texts read before; 0: none")
    guess_tokens: int = Field(
        default=0, ge=0, le=32, description="tokens looked up ahead in the text (faster where answers quote); 0: none"
    )
    apps_url: str = Field(
        default="", description="an OpenAI-compatible server: the bigger model behind the applications"
    )
    apps_model: str = Field(default="groundup", description="the name of that model there")
    policy: str = Field(default="", description="policy file of the content guard; none: nothing is screened")
    # 30 seconds: most answers are done by then. Taste.
    drain_seconds: float = Field(default=30.0, ge=0, description="after SIGTERM, answers in work may go on for so long")
