// Suggestions below the search box: the combobox pattern of the ARIA Authoring Practices (list, manual selection).
// Without this script the box is an ordinary field of an ordinary form.
"use strict";
(() => {
  const form = document.getElementById("search");
  const input = document.getElementById("q");
  if (!form || !input || !form.dataset.suggest) return;

  const KINDS = { product: "product", category: "category", brand: "brand", word: "" };
  const WAIT_MS = 120;
  const list = document.createElement("ul");
  const said = document.createElement("div");
  let options = [];
  let chosen = -1;
  let timer = 0;
  let asking = null;

  list.id = "suggestions";
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  said.className = "hidden-text";
  said.setAttribute("role", "status");
  form.append(list, said);
  for (const [name, value] of [
    ["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", list.id],
  ]) input.setAttribute(name, value);

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  }

  function choose(position) {
    chosen = position;
    options.forEach(({ element }, index) => element.setAttribute("aria-selected", String(index === position)));
    if (position < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", options[position].element.id);
    options[position].element.scrollIntoView({ block: "nearest" });
  }

  function take({ text, kind, product_id: id }) {
    close();
    if (kind === "product" && id) return window.location.assign(`/p/${id}/`);
    if (kind === "category") return window.location.assign(`${form.action}?category=${encodeURIComponent(text)}`);
    input.value = text;
    form.requestSubmit();
  }

  function show(suggestions) {
    options = suggestions.map((suggestion, index) => {
      const element = document.createElement("li");
      element.id = `suggestion-${index}`;
      element.setAttribute("role", "option");
      for (const words of [suggestion.text, KINDS[suggestion.kind] ?? ""]) {
        const part = document.createElement("span");
        part.textContent = words;
        element.append(part);
      }
      element.addEventListener("pointerdown", (event) => event.preventDefault());
      element.addEventListener("click", () => take(suggestion));
      return { element, suggestion };
    });
    list.replaceChildren(...options.map(({ element }) => element));
    choose(-1);
    list.hidden = options.length === 0;
    input.setAttribute("aria-expanded", String(!list.hidden));
    said.textContent = options.length ? `${options.length} suggestions; use the arrow keys.` : "";
  }

  async function ask() {
    const text = input.value.trim();
    if (text.length < 2) return close();
    asking?.abort();
    asking = new AbortController();
    try {
      const reply = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`, { signal: asking.signal });
      if (reply.ok && document.activeElement === input) show((await reply.json()).suggestions);
    } catch (error) {
      if (error.name !== "AbortError") close(); // no suggestions: the form works all the same
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", close);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const last = options.length - 1;
    if (event.key === "Escape" && !list.hidden) close();
    else if (event.key === "ArrowDown" && list.hidden) ask();
    else if (list.hidden) return;
    else if (event.key === "ArrowDown") choose(chosen >= last ? -1 : chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen < 0 ? last : chosen - 1);
    else if (event.key === "Enter" && chosen >= 0) take(options[chosen].suggestion);
    else return;
    event.preventDefault();
  });
})();
