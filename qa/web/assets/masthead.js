const root = element.querySelector(".masthead");

const draw = () => {
  const view = received();
  if (!view) return;
  root.replaceChildren(
    make("h1", {}, "Article QA"),
    make("p", { class: "model" }, view.model),
    make("button", { type: "button", class: "library-button" }, view.articles),
    make("button", { type: "button", class: "fresh" }, "New conversation"),
  );
};

element.addEventListener("click", (event) => {
  if (event.target.closest(".library-button")) trigger("library", {});
  else if (event.target.closest(".fresh")) trigger("fresh", {});
});

watch("value", draw);
draw();
