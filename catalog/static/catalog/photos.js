// Uploads of photos in pieces by the tus protocol, so that a lost connection costs no more than the piece in hand.
// Without this script the form is sent as it is.
"use strict";
(() => {
  const PIECE = 2 * 1024 * 1024;
  const TRIES = 8;
  const WAIT_MS = 1000;
  const VERSION = { "Tus-Resumable": "1.0.0" };

  class Refused extends Error {}

  const pause = (ms) =>
    new Promise((done) => {
      const timer = setTimeout(done, ms);
      window.addEventListener("online", () => { clearTimeout(timer); done(); }, { once: true });
    });

  const base64 = (text) => btoa(String.fromCodePoint(...new TextEncoder().encode(text)));

  // Answers that say "not so" are final; what may pass is tried again, a while later each time.
  const patiently = async (ask) => {
    for (let tried = 1; ; tried += 1) {
      try {
        const answer = await ask();
        if (answer.ok || answer.status === 404 || answer.status === 409) return answer;
        if (answer.status < 500 && ![423, 429, 460].includes(answer.status)) {
          throw new Refused((await answer.json().catch(() => ({}))).detail ?? `The server answered ${answer.status}.`);
        }
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      if (tried === TRIES) throw new Refused("The connection is lost. Choose the photo again to go on.");
      await pause(WAIT_MS * 2 ** Math.min(tried, 5));
    }
  };

  const begin = async (uploads, token, file) => {
    const headers = { ...VERSION, "X-CSRFToken": token, "Upload-Length": file.size, "Upload-Metadata": `filename ${base64(file.name)}` };
    const answer = await patiently(() => fetch(uploads, { method: "POST", headers }));
    if (!answer.ok) throw new Refused((await answer.json().catch(() => ({}))).detail ?? "The photo was refused.");
    return answer.headers.get("Location");
  };

  const standing = async (address) => {
    const answer = await patiently(() => fetch(address, { method: "HEAD", headers: VERSION }));
    return answer.ok ? Number(answer.headers.get("Upload-Offset")) : null;
  };

  const upload = async (uploads, token, file, tell) => {
    const key = `souk-upload:${uploads}:${file.name}:${file.size}:${file.lastModified}`;
    let address = localStorage.getItem(key);
    let at = address ? await standing(address) : null;
    if (at === null) {
      address = await begin(uploads, token, file);
      localStorage.setItem(key, address);
      at = 0;
    }
    try {
      while (at < file.size) {
        tell(at / file.size);
        const piece = file.slice(at, at + PIECE);
        const headers = { ...VERSION, "X-CSRFToken": token, "Upload-Offset": at, "Content-Type": "application/offset+octet-stream" };
        const answer = await patiently(() => fetch(address, { method: "PATCH", headers, body: piece }));
        at = answer.ok ? Number(answer.headers.get("Upload-Offset")) : await standing(address);
        if (at === null) throw new Refused("The upload was given up. Choose the photo again.");
      }
      localStorage.removeItem(key);
      tell(1);
    } catch (error) {
      if ((await standing(address).catch(() => 0)) === null) localStorage.removeItem(key);
      throw error;
    }
  };

  const line = (list, file) => {
    const item = document.createElement("li");
    const name = document.createElement("span");
    const share = document.createElement("span");
    const bar = document.createElement("progress");
    name.textContent = file.name;
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    item.append(name, share, bar);
    list.append(item);
    return {
      tell: (part) => { bar.value = part; share.textContent = `${Math.round(part * 100)} %`; },
      fail: (message) => {
        const text = document.createElement("p");
        text.className = "failed";
        text.textContent = message;
        bar.remove();
        item.append(text);
      },
    };
  };

  const send = async (form) => {
    const files = [...form.elements.photos.files];
    const token = form.elements.csrfmiddlewaretoken.value;
    const list = form.querySelector("[data-upload-list]");
    const status = form.querySelector("[data-upload-status]");
    const button = form.querySelector("button");
    button.disabled = true;
    list.replaceChildren();
    list.hidden = false;
    let uploads = form.dataset.uploads;
    let page = window.location.href;
    if (!uploads) {
      const fields = new FormData(form);
      fields.delete("photos");
      fields.append("by-script", "1");
      const begun = await fetch(form.action, { method: "POST", body: fields });
      if (!(begun.headers.get("Content-Type") ?? "").includes("json")) return window.location.reload();
      ({ uploads, page } = await begun.json());
    }
    let failed = 0;
    status.textContent = `Uploading ${files.length} photos.`;
    for (const file of files) { // one after the other: the order is that of the sequence
      const shown = line(list, file);
      try {
        if (file.size > Number(form.dataset.maxBytes)) throw new Refused("The photo has more than 20 MB.");
        await upload(uploads, token, file, shown.tell);
      } catch (error) {
        failed += 1;
        shown.fail(error.message);
      }
    }
    button.disabled = false;
    status.textContent = failed ? `${failed} of ${files.length} photos were not uploaded.` : "All photos are uploaded.";
    if (!failed) return window.location.assign(page);
    if (!form.dataset.uploads) {
      form.dataset.uploads = uploads;
      const onward = document.createElement("a");
      onward.href = page;
      onward.textContent = "Go on with the photos that were uploaded";
      list.after(onward);
      onward.focus();
    }
    return undefined;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-uploads]") || !form.elements.photos.files.length) return;
    event.preventDefault();
    send(form).catch(() => form.submit());
  });
})();
