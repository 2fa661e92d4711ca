"""What the page does on each event of the browser: small functions from (event, conversation) to values of its components."""

from __future__ import annotations

import itertools
import logging
import secrets
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol, cast

import gradio as gr

from index.errors import ArticleQAError
from index.types import Filter
from qa import export
from qa.conversations import VERDICTS
from qa.record import kept
from qa.types import DraftGrown, Event, Evidence, Turn
from qa.web import reading, view
from qa.web.panes import Library, Panes, Parts
from qa.web.view import Conversation, Exchange, Json, packed

LOG = logging.getLogger(__name__)
MAX_QUESTION = 2000  # characters; far more than any question, far less than a prompt can hold
Sent = Any  # a packed view, or gr.skip() where the component stays as it is
SMALL = 1000  # articles: up to here a library is searched for the articles of the examples
TURN_S = 0.5  # how often a waiting question looks whether it is still wanted
NOTHING = (gr.skip(),) * 5  # of an answer; at its end Gradio sends what came last once more
REDRAW_S = 0.06  # a sentence in the making is redrawn at most this often


class Asks(Protocol):
    """What the page needs of `qa.answer.Asker`."""

    @property
    def library(self) -> Library:
        """The articles that are asked."""

    def glimpse(
        self, question: str, history: Sequence[Turn] = (), *, within: Filter | None = None, narrow: bool = True
    ) -> tuple[Evidence, ...]:
        """Return, at once, sentences that are near the question."""

    def stream(
        self, question: str, history: Sequence[Turn] = (), *, within: Filter | None = None, narrow: bool = True
    ) -> Iterator[Event]:
        """Yield one EvidenceFound, then what is written and checked, then one AnswerDone.

        With `narrow` false, a time that the question names narrows nothing.
        """


@dataclass(frozen=True, slots=True)
class Desk:
    """What a window knows beside its conversation."""

    talk: str = ""  # names the conversation where it is kept
    within: Filter = view.EVERYTHING  # the articles that the next question is asked of
    editing: str = ""  # key of the exchange in whose place the next question comes


NEW = Desk()


class Handlers:
    """What the page does on each event: small functions from (event, conversation) to values of the components."""

    def __init__(self, asker: Asks, parts: Parts) -> None:
        self.asker = asker
        self.parts = parts
        self.panes = Panes(asker.library, parts, self._open)
        self._openings = itertools.count(1)
        self._wanted: set[str] = set()  # keys of the exchanges in `answer` that nobody has let go of

    def load(self, conversation: Conversation) -> tuple[Sent, Sent, Sent, Desk, Sent]:
        """A browser has opened the page: masthead, conversation, reader, desk, narrowing."""
        desk = Desk(secrets.token_hex(8))
        return self.masthead(), self._talk(conversation), self._resting(conversation), desk, self._narrow(desk)

    def masthead(self) -> Sent:
        """How many articles there are, and who answers."""
        return packed(view.masthead_view(self.asker.library.status().articles, self.parts.settings.model()))

    # ---------------------------------------------------------------------------------------------------- asking

    def begin(
        self, question: str, conversation: Conversation, desk: Desk = NEW, *, like: Exchange | None = None
    ) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        """Take the question at once, so that it is on the page while it waits for the model.

        With `like` the time that the question names narrows it, or does not, as it did there.
        """
        question = question.strip()
        if not question or _running(conversation):
            return gr.skip(), conversation, gr.skip(), gr.skip(), gr.skip(), desk, gr.skip()
        number = conversation[-1].number + 1 if conversation else 1
        last = conversation[-1] if conversation and desk.editing == conversation[-1].key else None
        # One that was stopped or failed was never kept: what it was to replace is still there.
        replaces = (last.key if last.answer else last.replaces or last.key) if last else ""
        exchange = Exchange(
            number,
            question[:MAX_QUESTION],
            key=secrets.token_hex(8),
            within=desk.within,
            narrowed=view.in_words(desk.within, self._titles(desk.within)),
            replaces=replaces,
            phrase=like.phrase if like and like.widened else "",
            widened=bool(like and like.widened),
        )
        conversation = (*(conversation[:-1] if replaces else conversation), exchange)
        talk = packed(view.talk_view(conversation, last=True))
        narrow = self._narrow(replace(desk, editing="")) if desk.editing else gr.skip()
        desk = replace(desk, editing="")
        return "", conversation, talk, gr.update(visible=False), gr.update(visible=True), desk, narrow

    def answer(
        self, conversation: Conversation, desk: Desk = NEW
    ) -> Generator[tuple[Any, Sent, Sent, Any, Any], None, None]:
        """Answer the exchange that waits; yield after each event that changes the page.

        Stop, and closing the tab, close this generator, which closes the asker's and so stops the model. Gradio's browser
        side loses that order where a second question follows a stop at once, so it is also asked here who is still wanted.
        """
        if not _running(conversation):
            return
        past, exchange = conversation[:-1], conversation[-1]

        def show(exchange: Exchange, reader: Sent) -> tuple[Conversation, Sent, Sent, Any, Any]:
            now, done = (*past, exchange), not exchange.running
            talk = packed(view.talk_view(now, last=True))
            return now, talk, reader, gr.update(visible=done), gr.update(visible=not done)

        line, key = self.parts.line, exchange.key
        asked: dict[str, Any] = {"within": exchange.within or None, "narrow": not exchange.widened}
        line.join(key)
        self._wanted.add(key)
        try:
            exchange = exchange.glimpsed(self.asker.glimpse(exchange.question, view.history(past), **asked))
            yield show(exchange, gr.skip())
            while (ahead := line.ahead(key)) and key in self._wanted:
                if ahead != exchange.ahead:
                    exchange = exchange.waiting(ahead)
                    yield show(exchange, gr.skip())
                else:  # only here can a closed window end the waiting
                    yield NOTHING
                line.wait(TURN_S)
            if key not in self._wanted:
                yield NOTHING
                return
            exchange = exchange.searching()
            yield show(exchange, gr.skip())
            drawn = 0.0
            stream = self.asker.stream(exchange.question, view.history(past), **asked)
            with closing(cast("Any", stream)) as events:
                for event in events:
                    if key not in self._wanted:
                        yield NOTHING
                        return
                    exchange = exchange.after(event)
                    if isinstance(event, DraftGrown) and time.monotonic() - drawn < REDRAW_S:
                        continue
                    drawn = time.monotonic()
                    if exchange.running:
                        yield show(exchange, gr.skip())
            self._keep(desk, exchange)
        except ArticleQAError as error:
            LOG.warning("question not answered: %s", error)
            exchange = exchange.failed(str(error))
        except Exception:
            # Gradio has an event for what nobody foresaw; but it also comes after a stop, at times during the next question.
            LOG.exception("question not answered")
            exchange = exchange.failed("An unexpected error; the server's log has more.")
        finally:
            self._wanted.discard(key)
            line.leave(key)
        yield show(exchange, self._proof((*past, exchange), exchange.number) if exchange.answer else gr.skip())

    def _keep(self, desk: Desk, exchange: Exchange) -> None:
        """Store a finished answer. One that cannot be stored is shown all the same."""
        if exchange.answer is None or not desk.talk:
            return
        item = kept(exchange.key, exchange.answer, within=exchange.asked_of)
        try:
            self.parts.kept.keep(desk.talk, item, instead_of=exchange.replaces)
        except ArticleQAError as error:
            LOG.warning("answer not kept: %s", error)

    def stop(self, conversation: Conversation, desk: Desk = NEW) -> tuple[Conversation, Sent, Any, Any]:
        """The Stop button: keep what was checked, drop what was not. Each exchange is drawn as the reader has judged it since."""
        self._let_go(conversation)
        try:
            stored = {item.key: item for item in self.parts.kept.get(desk.talk)}
        except ArticleQAError as error:
            LOG.warning("kept conversation not read: %s", error)
            stored = {}
        conversation = tuple(
            replace(e, verdict=stored[e.key].verdict, comment=stored[e.key].comment) if e.key in stored else e
            for e in map(Exchange.stopped, conversation)
        )
        return conversation, self._talk(conversation), gr.update(visible=True), gr.update(visible=False)

    def _let_go(self, conversation: Conversation) -> None:
        self._wanted.difference_update(exchange.key for exchange in conversation)

    def example(
        self, conversation: Conversation, desk: Desk, event: gr.EventData
    ) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        """An example was chosen: the same as typing it."""
        text = getattr(event, "text", None)
        return self.begin(text if isinstance(text, str) else "", conversation, desk)

    def again(self, conversation: Conversation, desk: Desk) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        """Ask the newest question once more, in its own place, of the articles that are chosen now."""
        if not conversation or _running(conversation):
            return gr.skip(), conversation, gr.skip(), gr.skip(), gr.skip(), desk, gr.skip()
        return self._repeated(conversation[-1], conversation, desk)

    def turn_time(self, conversation: Conversation, desk: Desk) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        """Ask the newest question once more, without the time that it names; or with it again."""
        if not conversation or _running(conversation) or not conversation[-1].phrase:
            return gr.skip(), conversation, gr.skip(), gr.skip(), gr.skip(), desk, gr.skip()
        newest = conversation[-1]
        return self._repeated(replace(newest, widened=not newest.widened), conversation, desk)

    def _repeated(
        self, like: Exchange, conversation: Conversation, desk: Desk
    ) -> tuple[Any, Conversation, Sent, Any, Any, Desk, Sent]:
        _, *begun = self.begin(like.question, conversation, replace(desk, editing=like.key), like=like)
        return gr.skip(), *begun  # what was typed meanwhile stays in the box

    def edit(self, conversation: Conversation, desk: Desk) -> tuple[Any, Desk, Sent]:
        """Put the newest question into the box; asked, it takes its own place."""
        if not conversation or _running(conversation):
            return gr.skip(), desk, gr.skip()
        desk = replace(desk, editing=conversation[-1].key)
        return conversation[-1].question, desk, self._narrow(desk)

    # ------------------------------------------------------------------------------------------- which articles

    def narrow(self, desk: Desk, event: gr.EventData) -> tuple[Desk, Sent]:
        """A date or a source was chosen. What the browser sends is checked like any input from outside."""
        within = desk.within
        part, value = _text(event, "part"), _text(event, "value")
        if part in {"since", "until"}:
            within = _bounded(within, part, _day(value))
        elif part == "source" and value in self.asker.library.sources():
            within = replace(within, sources=within.sources | {value})
        elif part == "article" and self.asker.library.get(value) is not None:
            within = replace(within, articles=frozenset({value}))
        desk = replace(desk, within=within)
        return desk, self._narrow(desk)

    def widen(self, desk: Desk, event: gr.EventData) -> tuple[Desk, Sent]:
        """A chip was taken off."""
        within = desk.within
        part, value = _text(event, "part"), _text(event, "value")
        if part in {"since", "until"}:
            within = _bounded(within, part, None)
        elif part == "source":
            within = replace(within, sources=within.sources - {value})
        elif part == "article":
            within = replace(within, articles=frozenset())
        desk = replace(desk, within=within, editing="" if part == "editing" else desk.editing)
        return desk, self._narrow(desk)

    def _narrow(self, desk: Desk) -> Sent:
        titles, sources = self._titles(desk.within), self.asker.library.sources()
        return packed(
            view.narrow_view(desk.within, titles, sources, editing="Editing the last question" if desk.editing else "")
        )

    def _titles(self, within: Filter) -> dict[str, str]:
        articles = (self.asker.library.get(name) for name in within.articles)
        return {article.id: article.title for article in articles if article}

    # --------------------------------------------------------------------------------------------------- keeping

    def fresh(
        self, conversation: Conversation = (), desk: Desk = NEW
    ) -> tuple[str, Conversation, Sent, Sent, Any, Any, Desk, Sent]:
        """A new conversation; the old one stays where it is kept."""
        self._let_go(conversation)
        desk = replace(desk, talk=secrets.token_hex(8), editing="")
        shown = gr.update(visible=True), gr.update(visible=False)
        return "", (), self._talk(()), self._resting(()), *shown, desk, self._narrow(desk)

    def reopen(
        self, conversation: Conversation, desk: Desk, event: gr.EventData
    ) -> tuple[Conversation, Sent, Sent, Any, Any, Desk, Sent]:
        """Open a kept conversation in place of this one."""
        name = getattr(event, "id", None)
        items = self.parts.kept.get(name) if isinstance(name, str) else ()
        if not isinstance(name, str) or not items:
            conversation, talk, ask, stop = self.stop(conversation, desk)  # the click has ended what was being written
            return conversation, talk, self.panes.talks(conversation, desk.talk), ask, stop, desk, gr.skip()
        self._let_go(conversation)
        conversation, desk = view.reopened(items), replace(desk, talk=name, editing="")
        shown = gr.update(visible=True), gr.update(visible=False)
        talk = packed(view.talk_view(conversation))
        return conversation, talk, self._resting(conversation), *shown, desk, self._narrow(desk)

    def talks(self, conversation: Conversation, desk: Desk) -> Sent:
        """List the kept conversations."""
        return self.panes.talks(conversation, desk.talk)

    def forget(self, conversation: Conversation, desk: Desk, event: gr.EventData) -> Sent:
        """Delete a kept conversation; the browser has asked whether it is meant."""
        name = getattr(event, "id", None)
        if isinstance(name, str):
            self.parts.kept.remove(name)
        return self.panes.talks(conversation, desk.talk)

    def judge(self, conversation: Conversation, event: gr.EventData) -> Sent:
        """Store what the reader thinks of an answer, and draw that answer alone.

        The conversation stays as it is: while an answer is being written it belongs to `answer`, and what was read of it here
        may be old by now.
        """
        turn, verdict, comment = getattr(event, "turn", None), _text(event, "verdict"), _text(event, "comment")
        found = next((e for e in conversation if e.number == turn and e.answer), None)
        if (
            found is None
            or verdict not in VERDICTS
            or not self.parts.kept.judge(found.key, verdict, comment[:MAX_QUESTION])
        ):
            return gr.skip()
        judged = replace(found, verdict=verdict, comment=comment[:MAX_QUESTION])
        return packed({**view.talk_view(conversation), "exchanges": [view.exchange_view(judged)]})

    def export(self, conversation: Conversation, desk: Desk, event: gr.EventData) -> Sent:
        """Hand an answer, this conversation or a kept one to the browser, as a file or for the clipboard."""
        form, turn, name = (getattr(event, field, None) for field in ("form", "turn", "id"))
        if isinstance(name, str):
            items = self.parts.kept.get(name)
        else:
            wanted = [e for e in conversation if e.answer and turn in (e.number, 0)]
            stored = {item.key: item for item in self.parts.kept.get(desk.talk)}
            items = tuple(stored[e.key] if e.key in stored else kept(e.key, e.answer) for e in wanted if e.answer)
        if not items:
            return gr.skip()
        ids = {name for item in items for name in export.sources(item.answer)}
        articles = (self.asker.library.get(name) for name in ids)
        links = {article.id: article.url for article in articles if article and article.url}
        base: Json = {"at": next(self._openings)}
        if form == "clipboard":
            return packed({**base, "copy": "\n".join(export.plain(item.answer, links) for item in items)})
        if not isinstance(form, str) or form not in export.FORMATS:
            return gr.skip()
        ending, kind, write = export.FORMATS[form]
        return packed({**base, "name": export.file_name(items, ending), "type": kind, "text": write(items, links)})

    # --------------------------------------------------------------------------------------------------- reading

    def cite(self, conversation: Conversation, event: gr.EventData) -> Sent:
        """Open the article of a mark. What the browser sends is checked like any input from outside."""
        kind, turn, number = (getattr(event, name, None) for name in ("kind", "turn", "number"))
        exchange = next((e for e in conversation if e.number == turn), None)
        if exchange is None or kind not in view.KINDS:
            return gr.skip()
        spot = next((s for s in exchange.spots(cast("view.Kind", kind)) if s.number == number), None)
        if spot is None:
            return gr.skip()
        article = self.asker.library.get(spot.article_id)
        return self._open(reading.reader_view(article, exchange, cast("view.Kind", kind), spot.number), conversation)

    def pick(self, conversation: Conversation, event: gr.EventData) -> Sent:
        """Open an article from the list."""
        article_id = getattr(event, "id", None)
        article = self.asker.library.get(article_id) if isinstance(article_id, str) else None
        if article is None:
            return self.panes.table(conversation)
        return self._open(reading.article_view(article), conversation)

    def shut(self, conversation: Conversation) -> Sent:
        """Close what was opened from a list."""
        return self._resting(conversation)

    def _talk(self, conversation: Conversation) -> Sent:
        library = self.asker.library
        small = (
            library.status().articles <= SMALL
        )  # the examples are for who tries the samples: no search through 100,000
        examples = view.examples_for(lambda name: library.count(name) > 0) if small and not conversation else []
        return packed(view.talk_view(conversation, examples=examples))

    def _open(self, reader: Json, conversation: Conversation) -> str:
        turn = conversation[-1].number if conversation else 0
        return packed(reading.opened(reader, turn=turn, at=next(self._openings)))

    def _proof(self, conversation: Conversation, turn: int) -> Sent:
        """The newest answer's first proof, opened without being asked; a hint where nothing is cited."""
        cited = conversation[-1].spots("cite") if conversation else ()
        if cited:
            article = self.asker.library.get(cited[0].article_id)
            reader = reading.reader_view(article, conversation[-1], "cite", cited[0].number)
        else:
            reader = reading.hint_view(conversation)
        return packed(reading.opened(reader, turn=turn, at=next(self._openings), auto=True))

    def _resting(self, conversation: Conversation) -> Sent:
        return self._proof(conversation, turn=-1)  # of no turn: it takes the place of whatever is open


def _text(event: gr.EventData, name: str) -> str:
    """A text that the browser has sent, "" where it has sent none or something else."""
    value = getattr(event, name, None)
    return value if isinstance(value, str) else ""


def _bounded(within: Filter, part: str, value: date | None) -> Filter:
    return replace(within, since=value) if part == "since" else replace(within, until=value)


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _running(conversation: Conversation) -> bool:
    return bool(conversation) and conversation[-1].running
