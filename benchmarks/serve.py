"""The server under load: requests/s, tokens/s and first tokens at 1, 8 and 32 streams, beside llama.cpp's server; and a soak.

    python -m benchmarks.serve                      124M GPT-2 shape, new prompts of 320 tokens, 64 answered
    python -m benchmarks.serve --soak 1800          mixed load with clients that leave: memory, and every stream as offline

Our server runs as its own process, as users run it; llama.cpp's (xllamacpp, where installed) inside a process of its own too.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.generate import make

PROMPT_TOKENS, NEW = 320, 64
OURS = "from groundup.serve.api import serve; from pathlib import Path; import sys, torch; torch.set_num_threads({threads}); "
OURS += "serve(Path(sys.argv[1]), model=sys.argv[2], port=int(sys.argv[3]), studio=False, weights=sys.argv[4])"
LLAMA = """
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.n_parallel, params.n_ctx = int(sys.argv[3]), 512 * int(sys.argv[3])
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = {threads}
params.verbosity = -1
server = xllamacpp.Server(params)
time.sleep(10**6)
"""


@contextmanager
def process(arguments: list[str], port: int) -> Iterator[tuple[str, psutil.Process]]:
    """A server in a process of its own; its address once it answers."""
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{address}/health").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield address, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(timeout=60)


def prompt(number: int, words: int) -> str:
    """A text nobody asked before: letters, each a token of the benchmark's small vocabulary."""
    return "".join(random.Random(number).choices("bcdgjkpqvxyz", k=words))


def ask(address: str, body: dict[str, Any]) -> tuple[float, float]:
    """(seconds to the first token, seconds in all) of one streamed answer."""
    start = time.perf_counter()
    first = 0.0
    with httpx.stream("POST", f"{address}/v1/completions", json={**body, "stream": True}, timeout=600) as answer:
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            if line.startswith("data: {") and not first:
                first = time.perf_counter() - start
    return first, time.perf_counter() - start


def load(address: str, streams: int, rounds: int, extra: dict[str, Any]) -> str:
    """One row of the table."""
    bodies = [
        {"model": "model", "prompt": prompt(1000 * streams + number, PROMPT_TOKENS), "max_tokens": NEW, **extra}
        for number in range(streams * rounds)
    ]
    ask(address, {**bodies[0], "prompt": prompt(7, 20), "max_tokens": 4})
    start = time.perf_counter()
    with ThreadPoolExecutor(streams) as pool:
        times = list(pool.map(lambda body: ask(address, body), bodies))
    seconds = time.perf_counter() - start
    firsts = sorted(first for first, _ in times)
    p99 = firsts[min(len(firsts) - 1, int(0.99 * len(firsts)))]
    rate = len(bodies) / seconds
    return f"{streams:>7} {rate:>10.2f} {rate * NEW:>8.1f} {statistics.median(firsts):>10.2f} {p99:>10.2f}"


def soak(address: str, server: psutil.Process, seconds: float) -> int:
    """Mixed load with clients that leave. Returns 1 when memory grew or a stream differs from the same text alone."""
    wanted = {n: text_of(address, n) for n in range(12)}
    end = time.monotonic() + seconds
    wrong: list[int] = []
    done = [0, 0]
    sizes: list[float] = []

    def client(number: int) -> None:
        dice = random.Random(number)
        while time.monotonic() < end:
            n = dice.randrange(12)
            if dice.random() < 0.3:  # leaves in the middle
                with httpx.stream(
                    "POST", f"{address}/v1/completions", json={**body_of(n), "stream": True}, timeout=60
                ) as answer:
                    next(answer.iter_lines(), None)
                done[1] += 1
            elif text_of(address, n) != wanted[n]:
                wrong.append(n)
            done[0] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(max(1.0, seconds / 40))
        sizes.append(server.memory_info().rss / 1e6)
    for thread in threads:
        thread.join()
    early, late = sizes[len(sizes) // 4], sizes[-1]
    print(f"soak {seconds:.0f} s: {done[0]} requests, {done[1]} left in the middle, {len(wrong)} other than offline")
    print(f"memory: {early:.0f} MB after a quarter, {late:.0f} MB at the end, {max(sizes):.0f} MB at most")
    return 1 if wrong or late > 1.1 * early + 20 else 0


def body_of(number: int) -> dict[str, Any]:
    """Request `number` of the soak: greedy and warm, short and long."""
    warm = {"temperature": 1.0, "seed": number} if number % 2 else {}
    return {"model": "model", "prompt": prompt(number, 20 + 9 * number), "max_tokens": 8 + 4 * (number % 5), **warm}


def text_of(address: str, number: int) -> str:
    """The whole answer."""
    answer = httpx.post(f"{address}/v1/completions", json=body_of(number), timeout=120)
    return str(answer.json()["choices"][0]["text"])


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2, help="requests a stream")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--soak", type=float, default=0, metavar="SECONDS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "model"
        bundle = make(folder)
        code = OURS.format(threads=options.threads)

        def started(weights: str, port: int) -> list[str]:
            return [sys.executable, "-W", "ignore", "-c", code, name, str(folder), str(port), weights]

        if options.soak:
            with process(started("int8", 18765), 18765) as (address, server):
                return soak(address, server, options.soak)
        print(f"{'':<16} {'streams':>7} {'requests/s':>10} {'tokens/s':>8} {'first p50':>10} {'first p99':>10}")
        extra = {"logit_bias": {"0": -100, "6": -100}}  # no end token before 64
        for weights in ("fp32", "int8"):
            with process(started(weights, 18766), 18766) as (address, _):
                for streams in options.streams:
                    print(f"{'groundup ' + weights:<16} {load(address, streams, options.rounds, extra)}", flush=True)
        if importlib.util.find_spec("xllamacpp") is None:
            print("llama.cpp        not installed")
            return 0
        from groundup.model.convert.gguf import write_gguf

        for kind in ("f32", "q8_0"):
            write_gguf(bundle, Path(name) / f"{kind}.gguf", kind)
            for streams in options.streams:
                arguments = [sys.executable, "-c", LLAMA.format(threads=options.threads)]
                arguments += [str(Path(name) / f"{kind}.gguf"), "18767", str(streams)]
                with process(arguments, 18767) as (address, _):
                    row = load(address, streams, options.rounds, {"ignore_eos": True, "cache_prompt": False})
                    print(f"{'llama.cpp ' + kind:<16} {row}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
