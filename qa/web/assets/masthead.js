const root = element.querySelector(".masthead");
const LINKS = [["fresh", "New conversation"], ["talks", "Conversations"], ["library", ""], ["statistics", "Statistics"], ["settings", "Settings"]];

const draw = () => {
  const view = received();
  if (!view) return;
  const was = root.contains(document.activeElement) ? document.activeElement.dataset.event : "";
  root.replaceChildren(
    make("h1", {}, "Article QA"),
    make("p", { class: "model" }, view.model),
    make("nav", { "aria-label": "Page" }, LINKS.map(([name, label]) => press(name, label || view.articles, { "data-event": name }))),
  );
  if (was) root.querySelector(`[data-event="${was}"]`)?.focus();
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-event]");
  if (button) trigger(button.dataset.event, {});
});

watch("value", draw);
draw();
