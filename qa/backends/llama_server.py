"""The child process that holds the embedded model: `python -m qa.backends.llama_server`.

It reads one JSON line with its settings from standard input, answers with one JSON line that holds its address, and serves the
OpenAI-compatible API there until standard input closes, which happens however the parent ends. It imports nothing of Article
QA, so that it starts at once, and a crash in native code costs one answer instead of the program.
"""

from __future__ import annotations

import json
import os
import signal
import sys

SAME = 6  # tokens of the answer that stand in the prompt, after which it is taken to go on as it does there
READ_ALONG = 8  # tokens that are read so at once


def main() -> None:
    """Serve until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it closes our input
    wire = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # native code prints there
    settings = json.loads(sys.stdin.readline())
    os.environ["OMP_WAIT_POLICY"] = "passive"  # spinning threads would fight over two cores; read at import

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.n_ctx = settings["context"]
    params.n_parallel = 1  # one slot: the prompt's stable prefix is always where the next question looks for it
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.no_extra_bufts = True  # with n_ubatch 64 a third faster at reading prompts than the defaults
    params.n_ubatch = 64
    # What it writes is mostly copied from the prompt: after SAME tokens that stand there, the next are read along and not
    # written one by one. The text is the same, and the writing takes a quarter less time.
    params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    params.speculative.ngram_simple.size_n = SAME
    params.speculative.ngram_simple.size_m = READ_ALONG
    params.n_threads_http = 3
    params.verbosity = 0
    params.ui = False
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.model_alias = {"local"}
    params.slot_save_path = settings["slots"] + os.sep
    if settings["adapter"]:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(settings["adapter"], 1.0)]
    server = xllamacpp.Server(params)
    wire.write(json.dumps({"url": server.listening_address}) + "\n")
    wire.flush()
    sys.stdin.read()  # until the parent is gone
    os._exit(0)  # at once: an answer nobody will read is not waited for


if __name__ == "__main__":
    main()
