// Filters, order and pages without a reload: htmx asks for the same page and takes its middle. What is left to do here:
// send the form when a filter changes, keep open what was open, and tell where focus and the results are now.
"use strict";
(() => {
  const wide = window.matchMedia("(min-width: 60rem)");
  const standsOpen = CSS.supports("selector(::details-content)");
  let open = new Set();

  const form = () => document.getElementById("search");
  // A browser that cannot show closed details beside the results gets them opened.
  const unfold = () => {
    if (wide.matches && !standsOpen) document.getElementById("filters").open = true;
  };
  unfold();
  wide.addEventListener("change", unfold);

  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-live]") && target.form === form()) form().requestSubmit();
  });

  document.addEventListener("htmx:beforeSwap", () => {
    open = new Set([...document.querySelectorAll("#search-page details[id][open]")].map(({ id }) => id));
  });
  document.addEventListener("htmx:afterSwap", () => {
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    unfold();
  });
  document.addEventListener("htmx:afterSettle", () => {
    document.getElementById("said").textContent = document.getElementById("count").textContent;
    if (document.activeElement === document.body) document.getElementById("heading").focus({ preventScroll: true });
  });

  // Whatever goes wrong is shown by the browser's own way to the page.
  for (const failure of ["htmx:responseError", "htmx:sendError", "htmx:timeout", "htmx:swapError"]) {
    document.addEventListener(failure, ({ detail }) => {
      window.location.assign(detail.pathInfo?.finalRequestPath ?? detail.requestConfig?.path ?? window.location.href);
    });
  }
})();
