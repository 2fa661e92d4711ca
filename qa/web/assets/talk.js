// The left column: one <article> per question, in slots that are redrawn only when their own model has changed, so that
// the keyboard focus and an unfolded list survive while an answer is being written.
const root = element.querySelector(".talk");
const drawn = new Map(); // number of the exchange -> {node, slots: Map(name -> JSON), started}

const markLink = (link) =>
  make("a", { class: "mark", href: link.href, "aria-label": link.label }, `[${link.n}]`);

// A sentence with the words that answer standing out, where they are known.
const drawWords = ([before, words, after]) => [before, words && make("strong", {}, words), after];

const drawAnswer = (view) => {
  if (!view.claims.length) return [];
  const words = view.claims.flatMap((claim, at) => [
    at ? " " : "",
    make("span", { class: `claim ${claim.support}`, title: claim.state }, ...drawWords(claim.parts), ...claim.marks.flatMap((link) => ["\u2060", markLink(link)])),
    claim.badge && make("span", { class: "badge", title: claim.state }, claim.badge),
  ]);
  return [make("p", { class: "answer-text", dir: "auto" }, words)];
};

const drawDraft = (view) => [
  view.draft && make("p", { class: "draft", dir: "auto" }, make("span", { class: "tag" }, "Not checked yet"), " ", view.draft),
];

const drawMessage = ({ message }) =>
  message
    ? [make("div", { class: message.kind }, make("p", { class: "say" }, message.text), message.why && make("p", { class: "why" }, message.why))]
    : [];

const drawItem = (kind) => (item) =>
  make("li", {}, make("a", { class: "sentence", href: item.href },
    kind === "cite" && make("span", { class: "number" }, String(item.n)),
    make("span", { class: "body" },
      make("q", { dir: "auto" }, item.quote),
      make("span", { class: "source", dir: "auto" }, item.source))));

const drawLists = (view) => view.lists.map((list) => {
  const items = make(list.kind === "cite" ? "ol" : "ul", { class: `sentences ${list.kind}` }, list.items.map(drawItem(list.kind)));
  return list.fold
    ? make("details", {}, make("summary", {}, list.heading), items)
    : make("section", {}, make("h3", {}, list.heading), items);
});

const drawTools = ({ tools }) => {
  if (!tools) return [];
  const verdict = (name, label) => press("verdict", label, { "data-verdict": name, "aria-pressed": tools.verdict === name ? "true" : "false" });
  const comment = make("input", { type: "text", class: "comment", maxlength: "2000", "aria-label": "What would be right?", placeholder: "What would be right? (optional)" });
  comment.value = tools.comment;
  return [make("div", { class: "tools" },
    tools.kept && press("copy", "Copy"),
    tools.kept && drawSave("Save"),
    press("again", "Ask again"),
    press("edit", "Edit the question"),
    tools.kept && make("span", { class: "judge", role: "group", "aria-label": "Is this answer good?" }, verdict("up", "Good"), verdict("down", "Not good"))),
  tools.verdict && make("form", { class: "remark" }, comment, make("button", { type: "submit" }, "Keep the remark"),
    make("span", { class: "why" }, tools.comment ? "Kept." : ""))];
};

const drawWithdrawn = ({ withdrawn }) =>
  withdrawn.length
    ? [make("details", { class: "withdrawn" },
        make("summary", {}, withdrawn.length === 1 ? "1 sentence withdrawn" : `${withdrawn.length} sentences withdrawn`),
        make("p", { class: "why" }, "The model wrote this. It is not shown as an answer, for the reason beside it."),
        make("ul", {}, withdrawn.map((w) => make("li", {}, make("s", { dir: "auto" }, w.text), make("span", { class: "why" }, w.reasons.join("; "))))))]
    : [];

// Statements that do not agree, beside each other; each opens its article like a citation.
const drawDiffer = ({ differ }) => differ ? [make("section", { class: "differ" },
  make("h3", {}, differ.heading),
  make("ul", { class: "sides" }, differ.items.map((side) => make("li", {}, make("a", { class: "sentence side", href: side.href },
    make("span", { class: "body" },
      make("span", { class: "value", dir: "auto" }, side.value, side.notes.map((note) => make("span", { class: "note-tag" }, note))),
      make("q", { dir: "auto" }, side.quote),
      make("span", { class: "source" }, make("span", { class: "day" }, side.day), side.mark && ` · ${side.mark}`),
      side.title && make("span", { class: "source", dir: "auto" }, side.title)))))))] : [];

// The passages of the search, for who wants to know why just these sentences were read.
const drawFound = ({ found }) => found ? [make("details", { class: "found" },
  make("summary", {}, found.heading),
  make("p", { class: "why" }, found.about),
  make("ol", {}, found.items.map((item) => make("li", {}, make("a", { class: "sentence", href: item.href },
    make("span", { class: "number" }, String(item.n)),
    make("span", { class: "body" },
      make("span", { class: "source head", dir: "auto" }, [item.day, item.title].filter(Boolean).join(" · ")),
      make("span", { class: "passage", dir: "auto" }, item.text),
      make("span", { class: "source" }, item.why),
      make("span", { class: "scores" }, item.scores.map(({ name, value }) => make("span", {}, `${name} `, make("b", {}, value))))))))),
  found.more && make("p", { class: "why" }, found.more))] : [];

const slots = {
  status: (view) => [make("span", { class: "stage", role: "status" }, view.status), make("span", { class: "clock", "aria-hidden": "true" })],
  searched: (view) => [
    view.searched && make("p", { class: "searched" }, "Searched as: ", make("span", { dir: "auto" }, view.searched)),
    view.steps.length > 0 && make("p", { class: "searched steps" }, "Looked up: ",
      view.steps.flatMap((step, at) => [at ? " Then: " : "", make("span", { dir: "auto" }, step)])),
    view.narrowed && make("p", { class: "searched narrowed" }, "Asked of: ", make("span", { dir: "auto" }, view.narrowed)),
    view.time && make("p", { class: "searched time" }, make("span", { class: view.time.widened ? "chip widened" : "chip" }, view.time.label,
      view.time.open && press("turn-time off", view.time.widened ? "↺" : "×", { "aria-label": view.time.change, title: view.time.change })))],
  answer: drawAnswer,
  draft: drawDraft,
  message: drawMessage,
  trust: (view) => [view.trust && make("p", { class: "trust" }, view.trust)],
  differ: drawDiffer,
  tools: drawTools,
  lists: drawLists,
  withdrawn: drawWithdrawn,
  found: drawFound,
};
const needs = {
  status: (v) => v.status, searched: (v) => [v.searched, v.steps, v.narrowed, v.time], answer: (v) => v.claims, draft: (v) => v.draft,
  message: (v) => v.message, lists: (v) => v.lists, withdrawn: (v) => v.withdrawn,
  trust: (v) => v.trust, differ: (v) => v.differ, found: (v) => v.found, tools: (v) => v.tools,
};

const drawExchange = (view) => {
  let seen = drawn.get(view.number);
  if (seen && seen.key !== view.key) { // another conversation was opened
    seen.node.remove();
    drawn.delete(view.number);
    seen = null;
  }
  if (!seen) {
    const heading = `question-${view.number}`;
    const node = make("article", { class: "exchange", "aria-labelledby": heading },
      make("h2", { id: heading, dir: "auto" }, view.question),
      Object.keys(slots).map((name) => make("div", { class: `slot-${name}`, "aria-live": name === "answer" || name === "message" ? "polite" : null })));
    seen = { node, key: view.key, slots: new Map(), started: performance.now() };
    drawn.set(view.number, seen);
    root.append(node);
    requestAnimationFrame(() => { root.scrollTop += node.getBoundingClientRect().top - root.getBoundingClientRect().top; });
  }
  seen.node.classList.toggle("running", view.running);
  for (const [name, draw] of Object.entries(slots)) {
    const now = JSON.stringify(needs[name](view));
    if (seen.slots.get(name) === now) continue;
    seen.slots.set(name, now);
    seen.node.querySelector(`.slot-${name}`).replaceChildren(...draw(view).filter(Boolean));
  }
};

const drawWelcome = (examples) => {
  let welcome = root.querySelector(".welcome");
  if (!welcome) {
    welcome = make("section", { class: "welcome" });
    root.prepend(welcome);
  }
  welcome.replaceChildren(
    make("h2", {}, "Ask your articles."),
    make("p", {}, "Every sentence of an answer shows the sentence of an article that proves it. Where the articles do not say, you are told so."),
    examples.length ? make("h3", {}, "For example") : "",
    make("ul", { class: "examples" }, examples.map((text) => make("li", {}, make("button", { type: "button", class: "example" }, text)))),
  );
};

const tick = () => {
  for (const { node, started } of drawn.values()) {
    const clock = node.querySelector(".clock");
    if (clock) clock.textContent = node.classList.contains("running") ? `${((performance.now() - started) / 1000).toFixed(1)} s` : "";
  }
};

const draw = () => {
  const view = received();
  if (!view) return;
  const numbers = new Set(view.numbers);
  for (const [number, seen] of drawn) {
    if (numbers.has(number)) continue;
    seen.node.remove();
    drawn.delete(number);
  }
  if (view.numbers.length) root.querySelector(".welcome")?.remove();
  else drawWelcome(view.examples);
  view.exchanges.forEach(drawExchange);
  tick();
  paintOpen();
};

const turnOf = (node) => [...drawn].find(([, seen]) => seen.node.contains(node))?.[0] ?? 0;
const remark = (node) => node.closest(".exchange").querySelector("input.comment")?.value ?? "";

element.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  const place = link && parseHref(link.getAttribute("href"));
  if (place) {
    event.preventDefault();
    trigger("cite", place);
    return;
  }
  const button = event.target.closest("button");
  if (!button) return;
  const turn = turnOf(button);
  if (button.matches(".example")) trigger("example", { text: button.textContent });
  else if (button.matches(".copy")) trigger("export", { turn, form: "clipboard" });
  else if (button.matches(".export")) {
    button.closest("details").open = false;
    trigger("export", { turn, form: button.dataset.form });
  } else if (button.matches(".again, .turn-time")) {
    // The answer is drawn anew and the button with it: who works by keyboard goes on where questions are asked.
    if (event.detail === 0) document.querySelector("#question textarea, #question input")?.focus();
    trigger(button.matches(".again") ? "again" : "timed", {});
  } else if (button.matches(".edit")) trigger("edit", {});
  else if (button.matches(".verdict")) {
    const taken = button.getAttribute("aria-pressed") === "true";
    trigger("judge", { turn, verdict: taken ? "" : button.dataset.verdict, comment: taken ? "" : remark(button) });
  }
});
element.addEventListener("submit", (event) => {
  event.preventDefault();
  const pressed = event.target.closest(".exchange").querySelector(".verdict[aria-pressed=true]");
  if (pressed) trigger("judge", { turn: turnOf(event.target), verdict: pressed.dataset.verdict, comment: remark(event.target) });
});

setInterval(tick, 100);
watch("value", draw);
draw();
