// Joined in front of reader.js: how the library, the conversations, the statistics and the settings are drawn.

// --- the library: a frame that stays, so that the search keeps its focus, and parts that are drawn anew when they change
const table = { view: null, wanted: {}, frame: null, drawn: new Map(), timer: 0, uploading: "" };
// What the reader wants to see is known here alone: an answer to something that was sent earlier must not undo a search.
const asked = (changes = {}) => ({ ...Object.assign(table.wanted, changes) });
const ROWS = ["query", "order", "down", "page", "pages", "place", "rows", "hint"];
const pick = (view, names) => Object.fromEntries(names.map((name) => [name, view[name]]));
const wantedRows = (view) => {
  const same = ["query", "order", "down"].every((name) => view[name] === table.wanted[name]);
  const gone = view.page < table.wanted.page && view.page === view.pages - 1; // the page that was wanted
  return same && (view.page === table.wanted.page || gone);
};

const part = (name, state, children) => {
  const now = JSON.stringify(state);
  if (table.drawn.get(name) === now) return;
  table.drawn.set(name, now);
  const place = table.frame.querySelector(`.part-${name}`);
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.name : "";
  place.replaceChildren(...children().filter(Boolean));
  if (focused) place.querySelector(`[data-name="${focused}"]`)?.focus();
};

const drawRows = (view) => [
  view.rows.length && make("table", {},
    make("thead", {}, make("tr", {}, view.columns.map(({ name, label }) =>
      make("th", { scope: "col", class: name, "aria-sort": view.order === name ? (view.down ? "descending" : "ascending") : null },
        press("sort", [label, view.order === name && make("span", { class: "arrow", "aria-hidden": "true" }, view.down ? " ↓" : " ↑")], { "data-name": name }))),
      make("th", { scope: "col", class: "state" }, "State"), make("th", { scope: "col" }, make("span", { class: "unseen" }, view.fetches ? "Read again or remove" : "Remove")))),
    make("tbody", {}, view.rows.map((row, at) => {
      const open = press("title", make("span", { dir: "auto" }, row.title));
      const remove = press("remove", "Remove", { "aria-label": `Remove: ${row.title}` });
      const again = view.fetches && press("reread", "Read again", { "aria-label": `Read again: ${row.title}`, "data-name": `again-${at}` });
      open.articleId = remove.articleId = row.id; // a property, not an attribute: an id may hold any character
      if (again) again.articleId = row.id;
      remove.articleTitle = row.title;
      return make("tr", {},
        make("th", { scope: "row", class: "title" }, open), make("td", { class: "date" }, row.date),
        make("td", { class: "source", dir: "auto" }, row.source), make("td", { class: "size" }, row.size),
        make("td", { class: `state ${row.ready ? "ready" : "coming"}` }, row.state), make("td", { class: "action" }, again, remove));
    }))),
  view.hint && make("p", { class: "note" }, view.hint),
];

const drawFiles = (view) => [
  view.progress && make("p", { class: "progress" }, view.progress, " ", !view.files.some((f) => f.state === "waiting" || f.state === "reading") && press("clear", "Clear the list")),
  view.files.length && make("div", { class: "files", tabindex: view.files.length > 6 ? "0" : null, role: "group", "aria-label": "Files" },
    make("ul", {}, view.files.slice().reverse().map((file) => make("li", { class: file.state },
      make("span", { class: "name", dir: "auto" }, file.name), make("span", { class: "outcome" }, `${file.label}${file.said ? `: ${file.said}` : ""}`))))),
];

const libraryFrame = () => {
  const search = make("input", { type: "search", placeholder: "Title, source, date …", "aria-label": "Search the library", maxlength: "200" }); // the server looks at no more
  const files = make("input", { type: "file", multiple: "multiple", class: "unseen", id: "aq-files" });
  const folder = make("input", { type: "file", webkitdirectory: "webkitdirectory", class: "unseen", id: "aq-folder" });
  let typing = 0;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => trigger("find", asked({ query: search.value, page: 0 })), 250);
  });
  for (const input of [files, folder]) {
    input.addEventListener("change", () => {
      give([...input.files].map((file) => ({ file, name: file.webkitRelativePath || file.name })));
      input.value = "";
    });
  }
  return make("div", { class: "library" },
    make("header", {}, make("h2", { tabindex: "-1", class: "part-heading" }), make("p", { class: "counts part-counts", role: "status" })),
    make("div", { class: "drop" },
      make("p", {}, "Drop files or folders here, or choose ", make("label", { for: "aq-files", class: "choose-files" }, "files", files), " or ",
        make("label", { for: "aq-folder", class: "choose-files" }, "a folder", folder), "."),
      make("p", { class: "kinds part-kinds" }), make("div", { class: "part-web" })),
    make("div", { class: "part-files", role: "status" }),
    make("div", { class: "part-note", role: "status" }),
    make("div", { class: "finder" }, search),
    make("div", { class: "part-rows" }),
    make("div", { class: "part-pages pages" }));
};

// Web addresses, pasted or typed: the program fetches each once, now.
const drawWeb = (view) => {
  if (!view.fetches) return [make("p", { class: "kinds" }, view.why)];
  const box = make("textarea", { id: "aq-web", rows: "1", placeholder: "https://…  one or several", "data-name": "web", spellcheck: "false", autocapitalize: "off" });
  const form = make("form", { class: "web" }, make("label", { for: "aq-web" }, "Web addresses"), box, make("button", { type: "submit" }, "Fetch"));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!box.value.trim()) return;
    trigger("fetch", { ...asked(), text: box.value });
    box.value = "";
  });
  return [form];
};

const drawLibrary = (view) => {
  clearTimeout(table.timer);
  const first = !table.frame?.isConnected;
  if (first) {
    table.frame = libraryFrame();
    table.drawn.clear();
  }
  if (first) table.wanted = pick(view, ["query", "order", "down", "page"]);
  if (wantedRows(view)) table.wanted.page = view.page;
  else view = { ...view, ...pick(table.view, ROWS) };
  table.view = view;
  const search = table.frame.querySelector("input[type=search]");
  if (first) search.value = view.query;
  part("heading", view.heading, () => [view.heading]);
  part("counts", view.counts, () => [view.counts]);
  part("kinds", view.kinds, () => [view.kinds]);
  part("web", [view.fetches, view.why], () => drawWeb(view));
  part("files", [view.files, view.progress, table.uploading], () => [table.uploading && make("p", { class: "progress" }, table.uploading), ...drawFiles(view)]);
  // What was said stays until something else is done: a table that brings itself up to date says nothing.
  if (!view.refresh || view.note) part("note", view.note, () => [view.note && make("p", { class: "note" }, view.note)]);
  part("rows", [view.rows, view.order, view.down, view.hint, view.fetches], () => drawRows(view));
  part("pages", [view.page, view.pages], () => view.pages < 2 ? [] : [
    press("turn", "Earlier page", { "data-name": "back", "data-page": view.page - 1, disabled: view.page ? null : "disabled" }),
    make("span", {}, view.place),
    press("turn", "Later page", { "data-name": "on", "data-page": view.page + 1, disabled: view.page + 1 < view.pages ? null : "disabled" })]);
  if (view.busy) table.timer = setTimeout(() => { if (table.frame.isConnected) trigger("refresh", asked()); }, 1000);
  return table.frame;
};

// --- files that were dropped or chosen
const MAX_BYTES = 200_000_000;
const failed = [];
const give = async (entries) => {
  const wanted = entries.filter(({ name }) => !name.split("/").some((one) => one.startsWith(".")));
  failed.length = 0;
  for (let at = 0; at < wanted.length; at += 10) {
    const some = wanted.slice(at, at + 10);
    table.uploading = `Handing over file ${at + 1} of ${wanted.length} …`;
    if (table.frame?.isConnected) drawLibrary(table.view);
    const files = [];
    for (const { file, name } of some) {
      try {
        if (file.size > MAX_BYTES) throw new Error("it is larger than 200 MB");
        files.push({ name, path: (await upload(file)).path });
      } catch (error) {
        failed.push(`${name} could not be handed over: ${error.message ?? error}`);
      }
    }
    trigger("dropped", { ...asked(), files });
  }
  table.uploading = failed.slice(0, 5).join(" ");
};

const entriesOf = async (item, above = "") => {
  const name = above ? `${above}/${item.name}` : item.name;
  if (item.isFile) return [{ file: await new Promise((yes, no) => item.file(yes, no)), name }];
  const reader = item.createReader();
  const inside = [];
  for (;;) { // a browser hands over at most 100 at a time
    const some = await new Promise((yes, no) => reader.readEntries(yes, no));
    if (!some.length) break;
    inside.push(...some);
  }
  return (await Promise.all(inside.map((one) => entriesOf(one, name)))).flat();
};

const acceptDrops = (place) => {
  const here = (event) => table.frame?.isConnected && event.dataTransfer?.types.includes("Files");
  place.addEventListener("dragover", (event) => {
    if (!here(event)) return;
    event.preventDefault();
    place.classList.add("dragged");
  });
  place.addEventListener("dragleave", () => place.classList.remove("dragged"));
  place.addEventListener("drop", async (event) => {
    place.classList.remove("dragged");
    if (!here(event)) return;
    event.preventDefault();
    event.stopPropagation();
    const items = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files].map((file) => ({ file, name: file.name }));
    give(items.length ? (await Promise.all(items.map((one) => entriesOf(one)))).flat() : plain);
  });
};

// --- kept conversations
const drawTalks = (view) => make("div", { class: "talks" },
  make("header", {}, make("h2", { tabindex: "-1" }, view.heading), view.hint && make("p", { class: "note" }, view.hint)),
  make("ul", {}, view.items.map((item) => {
    const open = press("reopen", [make("span", { dir: "auto", class: "title" }, item.title), make("span", { class: "source" }, item.about)], { "aria-current": item.current ? "true" : null });
    const gone = press("forget", "Delete", { "aria-label": `Delete: ${item.title}` });
    const row = make("li", {}, open, make("div", { class: "actions" }, drawSave("Save"), gone));
    row.talk = item;
    return row;
  })));

// --- statistics
const drawChart = (chart) => make("section", { class: "chart" }, make("h3", {}, chart.heading),
  chart.hint ? make("p", { class: "soft" }, chart.hint)
    : make("table", {}, make("tbody", {}, chart.bars.map((bar) => {
        const fill = make("span", { class: "bar-fill" });
        fill.style.width = `${bar.percent}%`;
        return make("tr", {}, make("th", { scope: "row" }, bar.label), make("td", { class: "value" }, bar.value), make("td", { class: "line", "aria-hidden": "true" }, fill));
      }))));

const drawStatistics = (view) => make("div", { class: "statistics" },
  make("header", {}, make("h2", { tabindex: "-1" }, view.heading)),
  make("dl", {}, view.figures.map((figure) => make("div", {}, make("dt", {}, figure.label), make("dd", {}, figure.value, " ", make("small", {}, figure.n))))),
  view.charts.map(drawChart),
  view.report && make("p", {}, make("a", { href: view.report, target: "_blank", rel: "noopener" }, "Open the newest report of the evals")),
  view.candidates && make("p", { class: "soft" }, "What readers judged is kept as gold candidates in ", make("code", {}, view.candidates)));

// --- settings
const field = (label, control, hint = "") => make("label", {}, make("span", { class: "label" }, label), control, hint && make("small", {}, hint));

const drawSettings = (view) => {
  const llm = make("select", { name: "llm" }, view.choices.map((one) => make("option", { value: one.name, selected: one.name === view.llm ? "selected" : null }, one.label)));
  const form = make("form", { class: "settings-form", autocomplete: "off" },
    make("fieldset", { disabled: view.changeable ? null : "disabled" },
      make("legend", { class: "unseen" }, "What can be changed"),
      field("Who answers", llm),
      make("div", { class: "server" },
        field("Address", make("input", { name: "llm_url", type: "url", value: view.url, placeholder: "http://127.0.0.1:8080/v1" }), "Questions and the sentences found are sent there."),
        field("Name of the model", make("input", { name: "llm_model", type: "text", value: view.model })),
        field("Key", make("input", { name: "llm_key", type: "password", autocomplete: "new-password" }), view.has_key ? "A key is set. It is never shown; leave this empty to keep it." : "None is set.")),
      field("Sentences shown to the model", make("input", { name: "evidence", type: "number", min: "1", max: "50", value: view.evidence })),
      field("Longest answer, in tokens", make("input", { name: "answer_tokens", type: "number", min: "8", max: "8192", value: view.answer_tokens })),
      make("p", { class: "buttons" }, make("button", { type: "submit", class: "primary" }, "Use these"), press("keep", "Use and save"), press("probe", "Test the model")),
      make("p", { class: "soft" }, view.why || view.keeps)));
  const server = form.querySelector(".server");
  const show = () => { server.hidden = llm.value !== "server"; };
  llm.addEventListener("change", show);
  show();
  const filled = () => {
    const value = (name) => form.elements[name].value;
    return { llm: value("llm"), llm_url: value("llm_url"), llm_model: value("llm_model"), llm_key: value("llm_key"), evidence: Number(value("evidence")), answer_tokens: Number(value("answer_tokens")) };
  };
  const said = make("p", { class: `said ${view.well ? "well" : "badly"}`, role: "status" }, view.said);
  const send = (name, more = {}) => {
    said.className = "said";
    said.textContent = name === "probe" ? "Asking the model for a word …" : "Waiting for the answer that is being written …";
    trigger(name, { ...filled(), ...more });
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); send("apply"); });
  form.addEventListener("click", (event) => {
    if (event.target.closest(".probe")) send("probe");
    else if (event.target.closest(".keep") && form.reportValidity()) send("apply", { keep: true });
  });
  return make("div", { class: "settings" },
    make("header", {}, make("h2", { tabindex: "-1" }, view.heading)), form, said,
    make("h3", {}, "In effect now"),
    make("table", { class: "effective" }, make("tbody", {}, view.rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row.name), make("td", {}, row.value || "–"))))));
};
