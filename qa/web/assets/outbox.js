// What the server hands over to be saved as a file or put into the clipboard. Nothing is drawn but a word on what was done.
const root = element.querySelector(".outbox");
root.setAttribute("role", "status");

const toClipboard = async (text) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = make("textarea", { "aria-hidden": "true" }); // the page came over plain http from another machine
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
};

const save = ({ name, type, text }) => {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = make("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

let fading = 0;
const say = (text) => {
  root.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { root.textContent = ""; }, 4000);
};

const hand = async () => {
  const sent = received();
  if (!sent) return;
  if (sent.copy === undefined) {
    save(sent);
    say(`Saved as ${sent.name}`);
    return;
  }
  try {
    await toClipboard(sent.copy);
    say("Copied with its citations");
  } catch {
    say("The browser does not allow copying here; save the answer instead.");
  }
};

watch("value", hand);
