// The review queue by single keys, with the next products kept ready. Without this script the page is ordinary forms.
"use strict";
(() => {
  const root = document.getElementById("review");
  if (!root) return;
  const AHEAD = 2; // cards kept ready, each held for this page
  const RENEW_MS = 60_000;
  const IDLE_MS = 5 * 60_000; // who does nothing for so long lets go of what they hold
  const byId = (id) => document.getElementById(id);
  const place = byId("review-card");
  const said = byId("review-said");
  const refused = byId("review-refused");
  const { next, decide, undo, renew, query = "", alone } = root.dataset;
  const ready = []; // elements that are not in the page yet
  const leaving = new Set(); // products whose decision is on its way: still ours, and not to be offered again
  const pastVerdicts = root.dataset.last ? [{ verdict: root.dataset.last, said: byId("review-last").textContent }] : [];
  let isDry = false; // the server had no further product when last asked
  let isFetching = null;
  let posts = Promise.resolve(); // one after the other: the order of decisions is the order of undoing
  let lastActive = Date.now();

  const card = () => place.querySelector(".review-card");
  const idOf = (element) => element?.dataset.product;
  const plural = (count) => Number(count).toLocaleString("en");
  const say = (text) => { said.textContent = text; };
  const complain = (text) => { refused.textContent = text; refused.hidden = false; };

  // --- talking to the server ----------------------------------------------------------------------
  async function post(address, fields) {
    const body = new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(query)), ...fields });
    body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    const reply = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
    if (!reply.headers.get("Content-Type")?.startsWith("application/json")) {
      throw new Error(`The server answered ${reply.status}. Load the page again.`);
    }
    return reply.json();
  }

  function elementOf(html) {
    const template = document.createElement("template");
    template.innerHTML = html; // our own template: what sellers wrote is escaped in it
    return template.content.querySelector(".review-card");
  }

  function fetchAhead() {
    if (alone || isFetching || isDry || ready.length >= AHEAD) return isFetching;
    const shown = [...[card(), ...ready].map(idOf), ...leaving].filter(Boolean);
    const besides = new URLSearchParams({ besides: shown.join(",") });
    isFetching = fetch(`${next}?${query}&${besides}`)
      .then(async (reply) => {
        if (reply.status === 204) { isDry = true; return; }
        if (!reply.ok) throw new Error(`The server answered ${reply.status}.`);
        const element = elementOf(await reply.text());
        if (!element) throw new Error("You are logged out. Load the page again.");
        const picture = element.querySelector(".review-large img");
        if (picture) new Image().src = picture.src; // in the browser's cache before it is shown
        ready.push(element);
      })
      .catch((error) => { isDry = true; complain(error.message); })
      .finally(() => { isFetching = null; fetchAhead(); });
    return isFetching;
  }

  function tell({ waiting, today }) {
    if (waiting === undefined) return;
    byId("review-waiting").textContent = plural(waiting);
    byId("review-today").textContent = plural(today);
  }

  function tellLast() {
    const last = pastVerdicts.at(-1);
    byId("review-undo").hidden = !last;
    if (last) byId("review-last").textContent = last.said;
    byId("review-undo").elements.verdict.value = last?.verdict ?? "";
  }

  // --- what is shown ------------------------------------------------------------------------------
  function show(element, news = "") {
    place.replaceChildren(...(element ? [element] : []));
    byId("review-empty").hidden = Boolean(element);
    const heading = element ? byId("review-title") : byId("review-empty").querySelector("h2");
    heading.focus({ preventScroll: true });
    if (element) window.scrollTo({ top: 0 });
    const told = element ? `${element.dataset.title}, ${element.dataset.price || "no price"}.` : "Nothing is left for you.";
    say([news, told].filter(Boolean).join(" "));
    fetchAhead();
  }

  async function showNext(news) {
    place.setAttribute("aria-busy", "true");
    while (!ready.length && !isDry) await fetchAhead();
    if (!ready.length) { // it may have been dry a while ago
      await posts;
      isDry = false;
      while (!ready.length && !isDry) await fetchAhead();
    }
    place.removeAttribute("aria-busy");
    show(ready.shift() ?? null, news);
  }

  // --- what is done -------------------------------------------------------------------------------
  function act(form, button) {
    if (place.getAttribute("aria-busy")) return;
    const fields = Object.fromEntries(new FormData(form, button));
    const element = card();
    const title = element.dataset.title;
    if (fields.reason === "staff.other" && !fields.words.trim()) {
      complain("Write why: the seller has to know what to mend.");
      byId("review-words").focus();
      return;
    }
    refused.hidden = true;
    const verb = fields.act === "skip" ? "Skipped" : fields.reason ? "Rejected" : "Approved";
    leaving.add(fields.product);
    posts = posts
      .then(() => post(decide, fields))
      .finally(() => leaving.delete(fields.product))
      .then((told) => {
        if (told.refused) {
          complain(`“${title}” was not decided. ${told.refused}`);
          isDry = false;
          fetchAhead();
          return;
        }
        tell(told);
        if (told.verdict) {
          pastVerdicts.push({ verdict: told.verdict, said: `${verb.toLowerCase()} “${title.slice(0, 40)}”` });
          tellLast();
        }
      })
      .catch((error) => complain(`“${title}” was not decided. ${error.message}`));
    showNext(`${verb} “${title}”.`);
  }

  function takeBack() {
    posts = posts
      .then(async () => {
        const last = pastVerdicts.at(-1);
        if (!last) { say("There is nothing to undo."); return; }
        const told = await post(undo, { verdict: last.verdict });
        pastVerdicts.pop();
        tellLast();
        if (told.refused) { complain(told.refused); return; }
        refused.hidden = true;
        tell(told);
        const current = card();
        if (current) ready.unshift(current);
        show(elementOf(told.card), told.said);
      })
      .catch((error) => complain(error.message));
  }

  async function keepHolds() {
    if (Date.now() - lastActive > IDLE_MS || !card()) return;
    const products = [card(), ...ready].map(idOf);
    const told = await post(renew, { products: products.join(",") });
    tell(alone ? {} : told);
    const lost = new Set(told.lost.map(String));
    for (let at = ready.length - 1; at >= 0; at -= 1) if (lost.has(idOf(ready[at]))) ready.splice(at, 1);
    if (lost.has(idOf(card()))) complain("Your hold on this product ran out. Load the page again to go on with it.");
  }

  // --- pictures -----------------------------------------------------------------------------------
  function showPicture(step) {
    const links = [...place.querySelectorAll("[data-picture]")];
    if (links.length < 2) return;
    const now = links.findIndex((link) => link.hasAttribute("aria-current"));
    choosePicture(links[(now + step + links.length) % links.length]);
  }

  function choosePicture(link) {
    const large = place.querySelector(".review-large");
    const image = large.querySelector("img");
    for (const other of place.querySelectorAll("[data-picture]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    large.href = link.href;
    image.removeAttribute("width");
    image.removeAttribute("height");
    image.src = link.href;
    image.alt = `Picture ${link.dataset.picture} of ${card().dataset.title}`;
    place.querySelector("[data-place]").textContent = link.dataset.picture;
    place.querySelector(".review-caption [data-size]").textContent = link.dataset.size;
    const enlarged = byId("review-enlarged").querySelector("img");
    if (byId("review-enlarged").open) { enlarged.src = image.src; enlarged.alt = image.alt; }
  }

  function enlarge() {
    const dialog = byId("review-enlarged");
    const image = place.querySelector(".review-large img");
    if (dialog.open || !image) { dialog.close(); return; }
    dialog.querySelector("img").src = image.src;
    dialog.querySelector("img").alt = image.alt;
    dialog.showModal();
  }

  // --- keys, clicks and forms -----------------------------------------------------------------------
  const reasons = () => place.querySelector(".review-reject");
  const press = (selector) => place.querySelector(selector)?.click();

  function openReasons(isOpen) {
    const details = reasons();
    if (!details) return;
    details.open = isOpen;
    (isOpen ? details.querySelector("[data-key]") : details.querySelector("summary")).focus();
  }

  const KEYS = {
    a: () => press(".review-approve"),
    r: () => openReasons(!reasons()?.open),
    s: () => press(".review-skip"),
    u: () => { if (!alone) takeBack(); },
    e: enlarge,
    z: enlarge,
    n: () => byId("review-note")?.focus(),
    t: () => { openReasons(true); byId("review-words")?.focus(); },
    "?": () => byId("review-help").showModal(),
    arrowleft: () => showPicture(-1),
    arrowright: () => showPicture(1),
    escape: () => { if (reasons()?.open) openReasons(false); },
  };

  document.addEventListener("keydown", (event) => {
    lastActive = Date.now();
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    const { target } = event;
    const key = event.key.toLowerCase();
    if (target.matches("textarea, select, input:not([type=checkbox]), [contenteditable]")) {
      if (key === "escape" && place.contains(target)) byId("review-title").focus({ preventScroll: true });
      return;
    }
    if (byId("review-help").open) return;
    if (byId("review-enlarged").open && !["e", "z", "arrowleft", "arrowright"].includes(key)) return;
    if (!byId("review-keys-on").checked && key !== "escape") return;
    const choice = reasons()?.open && /^\d$/.test(key) ? place.querySelector(`[data-key="${key}"]`) : null;
    if (!choice && !KEYS[key]) return;
    event.preventDefault();
    event.stopPropagation(); // the admin has keys of its own
    if (choice) choice.click();
    else KEYS[key]();
  });
  document.addEventListener("pointerdown", () => { lastActive = Date.now(); });

  place.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches("[data-picture]")) { event.preventDefault(); choosePicture(link); }
    if (link.matches(".review-large")) { event.preventDefault(); enlarge(); }
  });
  place.addEventListener("submit", (event) => {
    if (alone || !event.submitter) return;
    event.preventDefault();
    act(event.target, event.submitter);
  });
  byId("review-undo")?.addEventListener("submit", (event) => { event.preventDefault(); takeBack(); });
  byId("review-enlarged").addEventListener("click", ({ target, currentTarget }) => {
    if (target.tagName === "IMG") currentTarget.close();
  });
  for (const select of root.querySelectorAll(".review-narrow select")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }
  const help = byId("review-keys");
  if (help) {
    help.hidden = false;
    help.addEventListener("click", () => byId("review-help").showModal());
  }
  const keysOn = byId("review-keys-on");
  keysOn.checked = localStorage.getItem("review-keys") !== "off";
  keysOn.addEventListener("change", () => localStorage.setItem("review-keys", keysOn.checked ? "on" : "off"));

  setInterval(() => keepHolds().catch((error) => complain(error.message)), RENEW_MS);
  if (card()) byId("review-title").focus({ preventScroll: true });
  fetchAhead();
})();
