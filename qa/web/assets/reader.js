// The right column: the list of the library, or one article with its cited sentence.
const root = element.querySelector(".reader");
let shown = null;

const drawPart = (part) =>
  part.mark === "" ? part.text : make("mark", part.mark === "hit" ? { class: "hit", tabindex: "-1" } : { class: "other" }, part.text);

const drawArticle = (view) => {
  const [first, ...rest] = view.titled ? view.blocks : [null, ...view.blocks];
  return [
    make("header", {},
      make("p", { class: "kicker", dir: "auto" }, view.kicker),
      make("h2", { dir: "auto", tabindex: "-1" }, first ? first.map(drawPart) : view.title),
      view.url && make("p", { class: "link" }, make("a", { href: view.url, target: "_blank", rel: "noopener noreferrer" }, view.url)),
      view.note && make("div", { class: "note", role: "alert" }, make("p", {}, view.note), make("blockquote", { dir: "auto" }, view.quote))),
    make("div", { class: "text" }, rest.map((block) => make("p", { dir: "auto" }, block.map(drawPart)))),
  ];
};

const drawBar = (view) => {
  const step = (href, label, sign, key) =>
    make("button", { type: "button", class: `step ${key}`, "data-href": href, "aria-label": label, "aria-keyshortcuts": key, title: `${label} (${key})`, disabled: href ? null : "disabled" }, sign);
  return make("div", { class: "bar" },
    make("button", { type: "button", class: "back" }, view.href ? "Back to the answer" : "Close"),
    view.place && make("span", { class: "place" }, view.place),
    view.id && press("only", "Ask only this article"),
    view.href && make("span", { class: "steps" }, step(view.previous, "Previous", "‹", "k"), step(view.next, "Next", "›", "j")));
};

// The title stays in sight when the article's own heading is scrolled away.
const drawRunningHead = (view) =>
  make("p", { class: "running-head", dir: "auto", "aria-hidden": "true" }, view.day && `${view.day} · `, make("b", {}, view.title));
const atTop = new IntersectionObserver((seen) => root.classList.toggle("at-top", seen.at(-1).isIntersecting));

const bringIntoView = (scroller, target) => {
  const box = scroller.getBoundingClientRect();
  const spot = target.getBoundingClientRect();
  if (spot.bottom - box.top < box.height * 0.6) return; // in sight already, below the title
  scroller.scrollTop += spot.top - box.top - Math.max(24, (box.height - spot.height) / 3);
};

const DRAW = {
  empty: (view) => [make("p", { class: "hint" }, view.text)],
  article: (view) => drawArticle(view),
  library: (view) => [drawLibrary(view)],
  talks: (view) => [drawTalks(view)],
  statistics: (view) => [drawStatistics(view)],
  settings: (view) => [drawSettings(view)],
};
const LABELS = { library: "Library", talks: "Conversations", statistics: "Statistics", settings: "Settings" };

const draw = () => {
  const view = received();
  if (!view) return;
  if (view.auto && shown && !shown.auto && shown.turn === view.turn) return; // what the reader opened stays open
  if (view.kind === "library" && shown?.kind === "library" && table.frame?.isConnected) {
    shown = view;
    drawLibrary(view); // in its place: the search keeps its focus and the list its scroll
    return;
  }
  if (view.refresh) return; // the library was left meanwhile
  shown = view;
  const scroller = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": LABELS[view.kind] ?? "Article" });
  scroller.append(...DRAW[view.kind](view).filter(Boolean));
  root.replaceChildren(...[view.kind === "empty" ? "" : drawBar(view), view.kind === "article" && drawRunningHead(view), scroller].filter(Boolean));
  atTop.disconnect();
  root.classList.add("at-top");
  if (view.kind === "article") atTop.observe(scroller.querySelector("h2"));
  root.dataset.kind = view.kind;
  root.classList.toggle("open", view.kind !== "empty" && !view.auto);
  shared.open = view.href ?? "";
  paintOpen();
  const hit = root.querySelector("mark.hit");
  const target = (view.said && root.querySelector(".probe")) || (hit ?? scroller.querySelector("h2"));
  if (hit) bringIntoView(scroller, hit);
  if (target && !view.auto && view.kind !== "empty") target.focus({ preventScroll: true });
};

const back = () => {
  root.classList.remove("open");
  const origin = shared.open && document.querySelector(`#talk a[href="${CSS.escape(shared.open)}"]`);
  (origin || document.querySelector("#question textarea, #question input"))?.focus();
  if (!origin) trigger("shut", {});
};

const answers = async (button) => {
  const row = button.closest("li");
  if (button.matches(".back")) back();
  else if (button.matches(".step")) trigger("cite", parseHref(button.dataset.href));
  else if (button.matches(".only")) trigger("only", { part: "article", value: shown.id });
  else if (button.matches(".title")) trigger("pick", { id: button.articleId });
  else if (button.matches(".sort")) {
    const order = button.dataset.name;
    trigger("find", asked({ order, down: table.wanted.order === order ? !table.wanted.down : order === "date" || order === "size", page: 0 }));
  } else if (button.matches(".turn")) trigger("find", asked({ page: Number(button.dataset.page) }));
  else if (button.matches(".clear")) trigger("clear", asked());
  else if (button.matches(".reread")) trigger("reread", { ...asked(), id: button.articleId });
  else if (button.matches(".reopen")) trigger("reopen", { id: row.talk.id });
  else if (button.matches(".export")) trigger("export", { id: row.talk.id, form: button.dataset.form });
  else if (button.matches(".remove")) {
    if (await confirmed(`Remove “${button.articleTitle}” from the library?`, "Remove it")) trigger("remove", { ...asked(), id: button.articleId });
  } else if (button.matches(".forget")) {
    if (await confirmed(`Delete the conversation “${row.talk.title}”?`, "Delete it")) trigger("forget", { id: row.talk.id });
  }
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) answers(button);
});

// j and k go from one citation to the next, while the keyboard is in the article or among the answer's marks.
const steps = (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "j" || event.key === "k") root.querySelector(`.step.${event.key}:enabled`)?.click();
};
element.addEventListener("keydown", (event) => {
  if (event.key === "Escape") back();
  else steps(event);
});
document.querySelector("#talk")?.addEventListener("keydown", steps);
acceptDrops(element);

watch("value", draw);
draw();
