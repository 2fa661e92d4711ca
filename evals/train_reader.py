"""Train the reader (`qa/weights/reader.onnx`): `python -m evals.train_reader --squad train-v1.1.json --out reader.onnx`.

The file in the project went on from an earlier one, with the questions of `evals/taught` as well:
`python -m evals.train_reader --squad train-v1.1.json --cases 13000 --written evals/taught --start earlier.onnx --share 0
--out reader.onnx`.

The lower half of the pinned cross-encoder stays as it is and is run as it will be (int8); the six layers above start from the
cross-encoder's own, and learn two things of `evals.reader_cases` at once: whether the text says what is asked, and from which
token to which (token 0 where it does not). What is written is their int8 ONNX file, and beside it the layers as torch has them
(.pt), from which a later run can go on: then a mean of both is written. The last cases and the documents that are kept from all
training are held out, and the figures on them are printed: AUROC of "answers", and how many answers are found to the token.

Needs torch and onnx (`pip install article-qa[sentence-transformers,training]`) and about an hour on two cores.

Exit status: 0 done; 1 a failure; 2 a wrong call or file; 130 stopped.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from evals import stats
from evals.reader_cases import Case, read_cases
from evals.run import exit_status, say
from evals.written_cases import read_documents, reader_cases
from index import weights
from index.errors import InputError
from index.onnx import OnnxModel, side_by_side
from qa.reader import lead
from qa.rerank import DEFAULT, HALFWAY, MAX_TOKENS

WIDTH, HEADS, LAYERS, LOWER = 384, 12, 6, 6
HELD_OUT = 1_000
BATCH = 32
RATE = 1.5e-4  # of the layers; five times that for what is new
GOING_ON = 1e-4  # the same for layers that have been trained before; twice that above them
SPAN_WEIGHT = 0.7
INEXACT = 0.15  # weight of an answer that is known only to a part of a sentence, beside one known to the token
SORTED_TOGETHER = 20 * BATCH  # of these, texts of like length make a batch: half of the padding

_MATMUL = re.compile(r"/(?:Gemm_)?MatMul_quant$")


@dataclass(frozen=True, slots=True)
class Row:
    """A case as the layers see it."""

    states: NDArray[np.float16]  # (tokens, WIDTH)
    own: NDArray[np.bool_]  # (tokens,): token 0 and those of the text
    first: int  # token of the answer; 0 if there is none
    last: int
    exact: bool = True  # see `reader_cases.Case`


def lower_half(folder: Path) -> OnnxModel:
    """Return the lower half by itself, written into `folder`: half of the time of the whole."""
    import onnx.utils

    whole = weights.path(DEFAULT)
    names = [one.name for one in onnx.load(whole / "model.onnx").graph.input]
    onnx.utils.extract_model(str(whole / "model.onnx"), str(folder / "model.onnx"), names, [HALFWAY])
    shutil.copy(whole / "tokenizer.json", folder)
    return OnnxModel(folder, max_tokens=MAX_TOKENS)


def row(case: Case, encoder: OnnxModel) -> Row | None:
    """Return the case as the lower half reads it; None if the answer was cut off."""
    before = lead(case.title)
    states, places = encoder.states((case.question, before + case.text))
    own = np.array([start >= 0 for start, _ in places])
    own[0] = True
    first = last = 0
    if case.answer is not None:
        start, end = (at + len(before) for at in case.answer)
        inside = [at for at, (s, e) in enumerate(places) if s < end and e > max(start, s)]
        if not inside:
            return None
        first, last = inside[0], inside[-1]
    return Row(states[0].astype(np.float16), own, first, last, case.exact)


def layers() -> Any:  # noqa: ANN401 (a torch.nn.Module)
    """Return the layers as a torch module, with the weights of the cross-encoder's upper half."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Layer(nn.Module):
        """Of BERT (Devlin et al., NAACL 2019). That of torch cannot be exported for texts of any length."""

        def __init__(self) -> None:
            super().__init__()
            self.mix, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-12), nn.LayerNorm(WIDTH, eps=1e-12)
            self.drop = nn.Dropout(0.1)

        def forward(self, states: torch.Tensor, seen: torch.Tensor | None) -> torch.Tensor:
            rows, tokens, _ = states.shape
            query, key, value = (
                one.view(rows, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)
                for one in self.mix(states).split(WIDTH, dim=-1)
            )
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
            mixed = self.out(mixed.transpose(1, 2).reshape(rows, tokens, WIDTH))
            states = self.norm1(states + self.drop(mixed))
            return cast("torch.Tensor", self.norm2(states + self.drop(self.down(functional.gelu(self.up(states))))))

    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
            self.pooler = nn.Linear(WIDTH, WIDTH)
            self.says = nn.Linear(WIDTH, 1)
            self.spans = nn.Linear(WIDTH, 2)

        def forward(self, states: torch.Tensor, seen: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
            for layer in self.layers:
                states = layer(states, seen)
            return self.says(torch.tanh(self.pooler(states[:, 0])))[:, 0], self.spans(states)

    reader = Reader()
    reader.load_state_dict({name: torch.from_numpy(value) for name, value in _upper_half().items()}, strict=False)
    return reader


def _upper_half() -> dict[str, NDArray[np.float32]]:
    """The weights of the cross-encoder's upper layers, by their names in torch."""
    values, products = _of_onnx(weights.path(DEFAULT) / "model.onnx")

    def weight(name: str) -> NDArray[np.float32]:
        return products[f"/bert/{name}_quant"]

    found = {"pooler.weight": weight("pooler/dense/Gemm_MatMul"), "pooler.bias": values["bert.pooler.dense.bias"]}
    for at in range(LAYERS):
        theirs, ours = f"encoder/layer.{LOWER + at}", f"layers.{at}"
        bias = f"bert.{theirs.replace('/', '.')}"
        parts = [f"attention/self/{one}" for one in ("query", "key", "value")]
        found[f"{ours}.mix.weight"] = np.concatenate([weight(f"{theirs}/{p}/MatMul") for p in parts])
        found[f"{ours}.mix.bias"] = np.concatenate([values[f"{bias}.{p.replace('/', '.')}.bias"] for p in parts])
        for name, part in (
            ("out", "attention.output.dense"),
            ("up", "intermediate.dense"),
            ("down", "output.dense"),
        ):
            found[f"{ours}.{name}.weight"] = weight(f"{theirs}/{part.replace('.', '/')}/MatMul")
            found[f"{ours}.{name}.bias"] = values[f"{bias}.{part}.bias"]
        for name, part in (("norm1", "attention.output.LayerNorm"), ("norm2", "output.LayerNorm")):
            for kind in ("weight", "bias"):
                found[f"{ours}.{name}.{kind}"] = values[f"{bias}.{part}.{kind}"]
    return {name: np.array(value, dtype=np.float32) for name, value in found.items()}


def _of_onnx(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.float32]]]:
    """The values of an int8 ONNX file by name, and those of its products, by node, as they were before they were quantised."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    products = {}
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            whole = node.input[1]
            zero, scale = (values[whole.replace("_quantized", part)] for part in ("_zero_point", "_scale"))
            made = (values[whole].astype(np.float32) - zero.astype(np.float32)) * scale
            products[node.name] = np.ascontiguousarray(made.T)
    return values, products


def _earlier(path: Path) -> Any:  # noqa: ANN401
    """The weights of an earlier run, by name: of its .pt file, or of the .onnx file that was made of it."""
    import torch

    if path.suffix != ".onnx":
        return torch.load(path, weights_only=True)
    values, products = _of_onnx(path)
    plain = {name: np.array(value) for name, value in values.items() if name.endswith(".bias") or ".norm" in name}
    made = {_MATMUL.sub("", name).strip("/").replace("/", ".") + ".weight": value for name, value in products.items()}
    return {name: torch.from_numpy(value) for name, value in (plain | made).items()}


def batches(rows: Sequence[Row], random_: random.Random) -> Iterator[list[Row]]:
    """Yield every row once, in batches of texts of like length."""
    order = random_.sample(range(len(rows)), len(rows))
    for begin in range(0, len(order), SORTED_TOGETHER):
        some = sorted(order[begin : begin + SORTED_TOGETHER], key=lambda at: len(rows[at].states))
        groups = [some[at : at + BATCH] for at in range(0, len(some), BATCH)]
        random_.shuffle(groups)
        for group in groups:
            yield [rows[at] for at in group]


def train(rows: Sequence[Row], *, seed: int, start: Path | None, tell: Callable[[str], None]) -> Any:  # noqa: ANN401
    """Return the layers after one pass over the rows; `start` has those of an earlier run."""
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)
    reader = layers()
    if start is not None:
        reader.load_state_dict(_earlier(start))
    new = [*reader.says.parameters(), *reader.spans.parameters()]
    old = [*reader.layers.parameters(), *reader.pooler.parameters()]
    rate, above = (RATE, 5) if start is None else (GOING_ON, 2)
    optimizer = torch.optim.AdamW([{"params": old, "lr": rate}, {"params": new, "lr": above * rate}], weight_decay=0.01)
    steps = math.ceil(len(rows) / BATCH)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.02, (steps - step) / (steps - warm)))
    )
    recent: deque[tuple[float, float]] = deque(maxlen=50)
    begun = time.monotonic()
    for step, batch in enumerate(batches(rows, random.Random(seed)), start=1):
        says, spans = _forward(reader, batch)
        first, last = (torch.tensor([getattr(one, name) for one in batch]) for name in ("first", "last"))
        told = functional.binary_cross_entropy_with_logits(says, (first > 0).float())
        sure = torch.tensor([1.0 if one.exact else INEXACT for one in batch])
        ends = zip((spans[..., 0], spans[..., 1]), (first, last), strict=True)
        lost = sum(functional.cross_entropy(logits, at, reduction="none") for logits, at in ends)
        found = (lost / 2 * sure).sum() / sure.sum()
        optimizer.zero_grad()
        (told + SPAN_WEIGHT * found).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        recent.append((told.item(), found.item()))
        if step % 25 == 0:
            says_lost, spans_lost = np.mean(recent, axis=0)
            tell(
                f"step {step} of {steps}: says {says_lost:.3f}, spans {spans_lost:.3f}, {time.monotonic() - begun:.0f} s"
            )
    reader.eval()
    return reader


def average(reader: Any, other: Path, share: float) -> None:  # noqa: ANN401
    """Give the layers a mean of their weights and those of the run that they went on from, which have this `share` of it.

    A model soup (Wortsman et al., ICML 2022): better than either on questions that are not like those of the training.
    """
    theirs = _earlier(other)
    mean = {name: (1 - share) * ours + share * theirs[name] for name, ours in reader.state_dict().items()}
    reader.load_state_dict(mean)


def _forward(reader: Any, rows: Sequence[Row]) -> Any:  # noqa: ANN401
    import torch

    longest = max(len(one.states) for one in rows)
    states = torch.zeros(len(rows), longest, WIDTH)
    own = torch.zeros(len(rows), longest, dtype=torch.bool)
    seen = torch.zeros(len(rows), 1, 1, longest, dtype=torch.bool)
    for at, one in enumerate(rows):
        tokens = len(one.states)
        states[at, :tokens] = torch.from_numpy(one.states.astype(np.float32))
        own[at, :tokens] = torch.from_numpy(one.own)
        seen[at, ..., :tokens] = True
    says, spans = reader(states, seen)
    return says, spans.masked_fill(~own[..., None], -1e4)


def measure(reader: Any, rows: Sequence[Row]) -> str:  # noqa: ANN401
    """Return the figures on held-out rows, as a line."""
    import torch

    says: list[float] = []
    exact: list[bool] = []
    with torch.no_grad():
        for at in range(0, len(rows), BATCH):
            some = rows[at : at + BATCH]
            logits, spans = _forward(reader, some)
            says += logits.tolist()
            best = (spans[:, 1:].argmax(1) + 1).tolist()
            asked = zip(some, best, strict=True)
            exact += [found == [one.first, one.last] for one, found in asked if one.first and one.exact]
    answered = np.array([one.first > 0 for one in rows])
    worth = stats.auroc(np.array(says), answered)
    return f"held out {len(rows)}: AUROC {worth or math.nan:.3f}, answers found to the token {np.mean(exact):.3f}"


def write(reader: Any, path: Path) -> None:  # noqa: ANN401
    """Write the layers as an int8 ONNX file, and beside it as torch has them.

    "states" (1, tokens, WIDTH) -> "says" (1,), "spans" (1, tokens, 2).
    """
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    torch.save(reader.state_dict(), path.with_suffix(".pt"))
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "reader.onnx"
        torch.onnx.export(
            reader,
            (torch.zeros(1, 9, WIDTH),),
            str(whole),
            input_names=["states"],
            output_names=["says", "spans"],
            dynamic_axes={"states": {1: "tokens"}, "spans": {1: "tokens"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(whole, path, weight_type=QuantType.QInt8, per_channel=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m evals.train_reader", description="Train the reader.")
    parser.add_argument("--squad", type=Path, required=True, metavar="FILE", help="train-v1.1.json of SQuAD 1.1")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the ONNX file to write")
    parser.add_argument("--cases", type=int, default=30_000, metavar="N", help="of about 84,000 (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument(
        "--start",
        type=Path,
        metavar="FILE",
        help="go on from an earlier run's .pt or .onnx file, and write a mean of both",
    )
    parser.add_argument(
        "--share", type=float, default=0.5, metavar="S", help="of the earlier run in that mean (default: %(default)s)"
    )
    parser.add_argument(
        "--written", type=Path, metavar="DIR", help="train also with these documents, such as evals/taught"
    )
    args = parser.parse_args(argv)
    return exit_status(lambda: _train(args), out=None)


def _train(args: argparse.Namespace) -> int:
    if args.start is not None and not args.start.is_file():
        raise InputError(f"--start {args.start}: no such file")
    if not 0 <= args.share <= 1:
        raise InputError(f"--share {args.share}: it goes from 0 to 1")
    if args.cases <= 2 * HELD_OUT:
        raise InputError(f"--cases {args.cases}: more than {2 * HELD_OUT} are needed, as {HELD_OUT} are held out")
    squad = read_cases(args.squad, seed=args.seed)[: args.cases]
    documents = read_documents(args.written) if args.written else []
    taught = reader_cases([one for one in documents if not one.held_out], seed=args.seed)
    kept = reader_cases([one for one in documents if one.held_out], seed=args.seed)
    say(f"{len(squad) + len(taught)} cases, read by the lower half")
    with tempfile.TemporaryDirectory() as folder:
        encoder = lower_half(Path(folder))
        learnt, *others = (
            [one for one in side_by_side(lambda case: row(case, encoder), some) if one is not None]
            for some in ([*taught, *squad[:-HELD_OUT]], squad[-HELD_OUT:], kept)
        )
    held_out = [some for some in others if some]
    reader = train(learnt, seed=args.seed, start=args.start, tell=say)
    for some in held_out:
        say(measure(reader, some))
    if args.start is not None:
        average(reader, args.start, args.share)
        for some in held_out:
            say(f"the mean with {args.start.name}: {measure(reader, some)}")
    write(reader, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
