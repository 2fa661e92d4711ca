"""The one command: `article-qa add|list|show|remove|status|doctor|rebuild|search|ask|serve|models`.

Heavy libraries are imported by the commands that need them: `status` and `add` without news return at once.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from index.errors import ArticleQAError, InputError
from index.types import Article, Filter
from qa.config import LLMS, Config
from qa.terminal import printable

if TYPE_CHECKING:
    from index.library import Library


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done (an abstention, too), 1 failed, 2 wrong call."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # a terminal that cannot show a quotation mark shows "?" instead of a traceback
    args = _parser().parse_args(argv)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except ArticleQAError as exc:
        print(printable(f"article-qa: {exc}"), file=sys.stderr)
        return 2 if isinstance(exc, InputError) else 1
    except KeyboardInterrupt:
        print("article-qa: stopped; what was stored stays, and the same command goes on from there", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `article-qa list | head`
        sys.stderr.close()
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="article-qa", description="Ask a library of articles; every sentence cites its proof."
    )
    parser.add_argument("--library", metavar="DIR", help="folder of the library (default: ARTICLE_QA_LIBRARY)")
    parser.add_argument("--config", metavar="FILE", type=Path, help="TOML file with settings")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    add = command(
        "add", _add, "Add or update articles from files, folders (text, Markdown, HTML, JSONL) and web addresses."
    )
    add.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or https://...")
    add.add_argument("--background", action="store_true", help="return before the vectors are made; `serve` makes them")
    add.add_argument("-q", "--quiet", action="store_true", help="say only what went wrong")
    listing = command("list", _list, "List the articles, newest first.")
    listing.add_argument("--json", action="store_true")
    show = command("show", _show, "Print one article.")
    show.add_argument("id")
    show.add_argument("--json", action="store_true", help="with the offsets of its sentences")
    remove = command("remove", _remove, "Remove articles.")
    remove.add_argument("ids", nargs="+", metavar="ID")
    status = command("status", _status, "Count what the library holds.")
    status.add_argument("--json", action="store_true")
    command("doctor", _doctor, "Check the library, the models and the settings.")
    command("rebuild", _rebuild, "Make all vectors anew, for example with another embedder.")
    search = command("search", _search, "Print the passages found for a question, with the score of every stage.")
    search.add_argument("question", nargs="+")
    search.add_argument("-k", type=_count, default=5, help="how many (default 5)")
    search.add_argument("--json", action="store_true")
    _narrowing(search)
    ask = command("ask", _ask, "Answer a question with cited sentences.")
    ask.add_argument("question", nargs="+")
    ask.add_argument("--json", action="store_true", help="print the whole answer as one JSON object")
    ask.add_argument("--llm", choices=LLMS, help="which language model writes (default: embedded)")
    ask.add_argument(
        "--after", metavar="QUESTION", action="append", default=[], help="an earlier question this one follows"
    )
    _narrowing(ask)
    serve = command("serve", _serve, "Open the web page.")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=7860)
    serve.add_argument("--llm", choices=LLMS)
    models = command("models", _models, "List, fetch or check the model files.")
    models.add_argument("action", choices=["list", "fetch", "verify"])
    models.add_argument("names", nargs="*", metavar="MODEL", help="default: those the default settings need")
    return parser


def _narrowing(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("narrow the search")
    group.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="articles of this day and later")
    group.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="articles of this day and earlier")
    group.add_argument("--source", action="append", default=[], metavar="NAME", help="articles of this source")
    group.add_argument("--article", action="append", default=[], metavar="ID", help="this article")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as 2024-05-31") from exc


def _filter(args: argparse.Namespace, library: Library) -> Filter | None:
    """The filter that a call asks for. Raises InputError for a source or an article that the library has not."""
    known = library.sources() if args.source else {}
    if unknown := [name for name in args.source if name not in known]:
        raise InputError(f"no article is of the source {unknown[0]!r}; there are: {', '.join(known) or 'none'}")
    if missing := [name for name in args.article if library.heading(name) is None]:
        raise InputError(f"there is no article {missing[0]!r}; `article-qa list` shows them")
    return Filter(frozenset(args.article), frozenset(args.source), args.since, args.until) or None


def _count(text: str) -> int:
    """A number of at least one, as argparse wants its types."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def _config(args: argparse.Namespace) -> Config:
    library = args.library and Path(args.library)
    return Config.load(args.config, library=library, llm=getattr(args, "llm", None))


def _library(args: argparse.Namespace) -> Library:
    from index.library import Library

    config = _config(args)
    return Library(config.library, embedder=config.embedder)


# ------------------------------------------------------------------------------------------------------- articles


def _add(args: argparse.Namespace) -> int:
    from index.loaders import Problem, load, url

    problems = 0

    def articles() -> Iterator[Article]:
        nonlocal problems
        for path in args.paths:
            for item in url.load(path) if url.is_web(path) else load(Path(path)):
                if isinstance(item, Problem):
                    problems += 1
                    print(printable(f"{item.file}: {item.reason}"), file=sys.stderr)
                else:
                    yield item

    for path in args.paths:
        if not (url.is_web(path) or Path(path).exists()):
            raise InputError(f"{path}: there is no such file or folder")
    with _library(args) as library:
        done = library.add(articles())
        if not args.background:
            library.embed_pending(None if args.quiet else _progress())
            if not library.sync():
                print("(another process has the vector index open and takes the new articles over)", file=sys.stderr)
        now = library.status()
    if not args.quiet:
        wait = f", {now.pending} passages wait for their vectors" if now.pending else ""
        print(
            f"{done.added} added, {done.updated} updated, {done.unchanged} unchanged, {problems} not readable;"
            f" the library has {now.articles} articles, {now.passages} passages{wait}"
        )
    return 1 if problems and not (done.added or done.updated or done.unchanged) else 0


def _progress() -> Callable[[int, int], None]:
    from tqdm import tqdm

    bar = tqdm(
        desc="vectors", unit=" passages", file=sys.stderr, disable=None
    )  # None: silent where there is no terminal

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return show


def _list(args: argparse.Namespace) -> int:
    with _library(args) as library:
        for article in library.articles():
            day = article.date.isoformat() if article.date else None
            if args.json:
                print(json.dumps({"id": article.id, "title": article.title, "date": day, "source": article.source}))
            else:
                print(printable(f"{day or '-':<10}  {article.id}  {article.title}"))
    return 0


def _show(args: argparse.Namespace) -> int:
    with _library(args) as library:
        article = library.get(args.id)
        if article is None:
            raise InputError(f"there is no article {args.id!r}; `article-qa list` names them")
        if args.json:
            sentences = [{"index": s.index, "start": s.start, "end": s.end} for s in library.sentences(args.id)]
            day = article.date.isoformat() if article.date else None
            shown = {
                "id": article.id,
                "title": article.title,
                "date": day,
                "source": article.source,
                "url": article.url,
            }
            print(json.dumps({**shown, "file": article.file, "text": article.text, "sentences": sentences}))
        else:
            head = ", ".join(str(part) for part in (article.date, article.source, article.url, article.file) if part)
            print(printable(f"{article.title}\n{head}\n\n{article.text}"))
    return 0


def _remove(args: argparse.Namespace) -> int:
    with _library(args) as library:
        unknown = [name for name in args.ids if not library.remove(name)]
        library.sync()
    for name in unknown:
        print(f"article-qa: there is no article {name!r}; `article-qa list` names them", file=sys.stderr)
    return 2 if unknown else 0


def _status(args: argparse.Namespace) -> int:
    with _library(args) as library:
        counts = asdict(library.status())
        folder = library.folder
    if args.json:
        print(json.dumps({**counts, "folder": str(folder)}))
    else:
        print(f"{folder}\n" + "\n".join(f"{name:<10} {count:>9,}" for name, count in counts.items()))
    return 0


def _rebuild(args: argparse.Namespace) -> int:
    from index.library import Library

    config = _config(args)
    Library.forget_vectors(config.library, embedder=config.embedder)
    with Library(config.library, embedder=config.embedder) as library:
        made = library.embed_pending(_progress())
        library.sync()
    print(f"{made} vectors made by {config.embedder}")
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from qa.doctor import examine

    well = True
    for finding in examine(_config(args)):
        well = well and finding.ok
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what}: {finding.said}")
    return 0 if well else 1


# ------------------------------------------------------------------------------------------------------ questions


def _search(args: argparse.Namespace) -> int:
    from qa import terminal
    from qa.answer import Asker

    with Asker.open(_config(args).with_values(llm="none")) as asker:
        found = asker.retrieve(" ".join(args.question), within=_filter(args, asker.library))
    if args.json:
        for hit in found.retrieved[: args.k]:
            where = {"article_id": hit.passage.article_id, "start": hit.passage.start, "end": hit.passage.end}
            print(json.dumps({**where, "text": hit.passage.text, "score": hit.score, "stages": dict(hit.stages)}))
    else:
        print(terminal.hits(found.retrieved[: args.k]))
    if found.narrowed:
        print(terminal.printable(f"narrowed to the articles of {found.narrowed}"), file=sys.stderr)
    return 0


def _ask(args: argparse.Namespace) -> int:
    from qa import terminal
    from qa.answer import Asker
    from qa.types import AnswerDone, EvidenceFound, Turn

    started = monotonic()
    with Asker.open(_config(args)) as asker:
        if asker.library.status().articles == 0:
            raise InputError("the library is empty: add articles first, for example `article-qa add samples`")
        history = [Turn("user", question) for question in args.after]
        for event in asker.stream(" ".join(args.question), history, within=_filter(args, asker.library)):
            if isinstance(event, EvidenceFound) and not args.json and event.evidence and asker.llm is not None:
                best = sorted(event.evidence, key=lambda e: (e.neighbour, -e.score))[:2]
                lines = [f"  {e.text}  ({e.title}, {e.date or 'no date'})" for e in best]
                head = f"closest sentences, after {monotonic() - started:.1f} s:"
                print(terminal.printable("\n".join([head, *lines, ""])), file=sys.stderr)
            elif isinstance(event, AnswerDone):
                print(json.dumps(event.answer.to_json()) if args.json else terminal.answer(event.answer), flush=True)
    return 0


def _serve(args: argparse.Namespace) -> int:
    import app

    app.serve(_config(args), host=args.host, port=args.port, file=args.config)
    return 0


def _models(args: argparse.Namespace) -> int:
    from index import weights

    names = args.names or (tuple(weights.MODELS) if args.action == "list" else weights.DEFAULT)
    if unknown := [name for name in names if name not in weights.MODELS]:
        raise InputError(f"unknown model {unknown[0]!r}; known are {', '.join(weights.MODELS)}")
    well = True
    for name in names:
        if args.action == "fetch":
            print(f"{name}: {weights.fetch(name)}")
        elif args.action == "verify":
            for file, ok in weights.verify(name):
                well = well and ok
                print(f"{'ok  ' if ok else 'FAIL'}  {name}/{file}")
        else:
            here = "here" if weights.installed(name) else "-"
            print(
                f"{here:<5} {weights.size(name) / 1e6:>8,.0f} MB  {name}{'  (default)' if name in weights.DEFAULT else ''}"
            )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
