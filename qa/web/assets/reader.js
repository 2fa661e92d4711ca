// The right column: the list of the library, or one article with its cited sentence.
const root = element.querySelector(".reader");
let shown = null;

const drawLibrary = (view) => [
  make("header", {}, make("h2", { tabindex: "-1" }, view.heading), view.hint && make("p", { class: "note" }, view.hint)),
  make("ul", { class: "library" }, view.items.map((item) => {
    const button = make("button", { type: "button", class: "title" }, make("span", { dir: "auto" }, item.title), make("span", { class: "source", dir: "auto" }, item.source));
    button.articleId = item.id; // a property, not an attribute: an id may hold any character
    return make("li", {}, button);
  })),
  view.more && make("p", { class: "note" }, view.more),
];

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
  const step = (href, label, sign) =>
    make("button", { type: "button", class: "step", "data-href": href, "aria-label": label, title: label, disabled: href ? null : "disabled" }, sign);
  return make("div", { class: "bar" },
    make("button", { type: "button", class: "back" }, view.href ? "Back to the answer" : "Close"),
    view.place && make("span", { class: "place" }, view.place),
    view.href && make("span", { class: "steps" }, step(view.previous, "Previous", "‹"), step(view.next, "Next", "›")));
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

const draw = () => {
  const view = received();
  if (!view) return;
  if (view.auto && shown && !shown.auto && shown.turn === view.turn) return; // what the reader opened stays open
  shown = view;
  const scroller = make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": view.kind === "library" ? "Library" : "Article" });
  if (view.kind === "empty") scroller.append(make("p", { class: "hint" }, view.text));
  else scroller.append(...(view.kind === "library" ? drawLibrary(view) : drawArticle(view)).filter(Boolean));
  root.replaceChildren(...[view.kind === "empty" ? "" : drawBar(view), view.kind === "article" && drawRunningHead(view), scroller].filter(Boolean));
  atTop.disconnect();
  root.classList.add("at-top");
  if (view.kind === "article") atTop.observe(scroller.querySelector("h2"));
  root.dataset.kind = view.kind;
  root.classList.toggle("open", view.kind !== "empty" && !view.auto);
  shared.open = view.href ?? "";
  paintOpen();
  const hit = root.querySelector("mark.hit");
  const target = hit ?? scroller.querySelector("h2");
  if (hit) bringIntoView(scroller, hit);
  if (target && !view.auto && view.kind !== "empty") target.focus({ preventScroll: true });
};

const back = () => {
  root.classList.remove("open");
  const origin = shared.open && document.querySelector(`#talk a[href="${CSS.escape(shared.open)}"]`);
  (origin || document.querySelector("#question textarea, #question input"))?.focus();
  if (!origin) trigger("shut", {});
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches(".back")) back();
  else if (button.matches(".step")) trigger("cite", parseHref(button.dataset.href));
  else if (button.matches(".title")) trigger("pick", { id: button.articleId });
});
element.addEventListener("keydown", (event) => {
  if (event.key === "Escape") back();
});

watch("value", draw);
draw();
