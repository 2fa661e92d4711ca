// Joined in front of the other scripts. Everything on the page is made here, with text nodes: whatever an article, a
// question or a model says stays text. (Gradio's own templates are no way to show it: a template's result is run as a
// JavaScript template literal once more, so that "${...}" in an article would be a program.)
const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== "" && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child || child === 0) node.append(child); // a string becomes a text node
  }
  return node;
};

// What the server has sent, or null before it has sent anything.
const received = () => (props.value ? JSON.parse(props.value) : null);

// The mark that is open in the reader, seen by both columns.
const shared = (window.articleQA ??= { open: "" });

const paintOpen = () => {
  for (const a of document.querySelectorAll("#talk a[aria-current]")) a.removeAttribute("aria-current");
  if (!shared.open) return;
  for (const a of document.querySelectorAll(`#talk a[href="${CSS.escape(shared.open)}"]`)) {
    a.setAttribute("aria-current", "true");
  }
};

// "#cite-2-1" -> {kind: "cite", turn: 2, number: 1}
const parseHref = (href) => {
  const found = /^#(cite|near|says|found)-(\d+)-(\d+)$/.exec(href ?? "");
  return found && { kind: found[1], turn: Number(found[2]), number: Number(found[3]) };
};

const press = (name, label, attributes = {}) => make("button", { type: "button", class: name, ...attributes }, label);

// Asks before something is lost. Resolves to true only where the button with `yes` was pressed.
const confirmed = (question, yes) => new Promise((resolve) => {
  const dialog = make("dialog", { class: "aq-dialog", "aria-label": question },
    make("p", {}, question),
    make("form", { method: "dialog" }, make("button", { value: "no" }, "Keep it"), make("button", { value: "yes", class: "danger" }, yes)));
  dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
  document.querySelector(".gradio-container").append(dialog);
  dialog.showModal();
});

// The buttons that save something in one of three forms.
const drawSave = (label) =>
  make("details", { class: "save" }, make("summary", {}, label),
    make("div", { class: "forms" }, [["markdown", "Markdown"], ["html", "HTML"], ["json", "JSON"]].map(([form, name]) => press("export", name, { "data-form": form }))));
