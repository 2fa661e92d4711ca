// The line above the question: which articles are asked, as chips that can be taken off, and a form to choose them.
const root = element.querySelector(".narrow");
const chips = make("ul", { class: "chips", "aria-label": "The next question is asked of" });
const since = make("input", { type: "date", class: "since" });
const until = make("input", { type: "date", class: "until" });
const source = make("select", { class: "source" });
const form = make("details", { class: "choose" }, make("summary", {}, "Narrow"),
  make("div", { class: "form" },
    make("label", {}, "From ", since), make("label", {}, "Until ", until), make("label", { class: "sources" }, "Source ", source)));
root.append(chips, form);

let offered = "";
const draw = () => {
  const view = received();
  if (!view) return;
  chips.replaceChildren(...view.chips.map((chip) => {
    const off = press("off", "×", { "aria-label": `Take off: ${chip.label}` });
    off.chip = chip;
    return make("li", {}, make("span", { dir: "auto" }, chip.label), off);
  }));
  if (view.editing) {
    const off = press("off", "×", { "aria-label": "Ask it as a new question instead" });
    off.chip = { part: "editing", value: "" };
    chips.prepend(make("li", { class: "editing" }, make("span", {}, view.editing), off));
    if (!root.editing) { // only now: the box was just filled
      const box = document.querySelector("#question textarea, #question input");
      box?.focus();
    }
  }
  root.editing = Boolean(view.editing);
  since.value = view.since;
  until.value = view.until;
  const sources = JSON.stringify(view.sources);
  if (sources !== offered) {
    offered = sources;
    source.replaceChildren(make("option", { value: "" }, "any"), ...view.sources.map((one) => make("option", { value: one.name }, one.label)));
  }
  source.value = "";
  source.parentElement.hidden = !view.sources.length;
};

root.addEventListener("change", (event) => {
  if (event.target === since) trigger("narrow", { part: "since", value: since.value });
  else if (event.target === until) trigger("narrow", { part: "until", value: until.value });
  else if (event.target === source && source.value) trigger("narrow", { part: "source", value: source.value });
});
root.addEventListener("click", (event) => {
  const off = event.target.closest(".off");
  if (off) trigger("widen", off.chip);
});
watch("value", draw);
draw();
