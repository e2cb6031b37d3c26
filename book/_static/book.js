// The theme and the widgets tell the console what they do on every page; an empty console is easier to watch.
(() => {
  const chatter = /^(\[(PST|togglebutton)\]|strict mode:)/;
  for (const level of ["log", "warn"]) {
    const say = console[level];
    console[level] = (...words) => {
      if (!chatter.test(words[0])) say.apply(console, words);
    };
  }
})();

// The widgets ask MathJax to set their labels in the words of its second version; the book brings its third.
(() => {
  let mathjax;
  const hub = {
    Config() {},
    Queue(...jobs) {
      const elements = jobs.filter((job) => job[0] === "Typeset").map((job) => job[2]);
      mathjax.startup?.promise.then(() => mathjax.typesetPromise(elements));
    },
  };
  Object.defineProperty(window, "MathJax", {
    configurable: true,
    get: () => mathjax,
    set(value) {
      mathjax = value;
      value.Hub ??= hub;
    },
  });
})();

// Names for what the theme and the widgets leave unnamed, so that a screen reader can say it.
(() => {
  const name = () => {
    // A slider's handle takes the text beside it as its name.
    document.querySelectorAll(".noUi-handle[role=slider]:not([aria-label])").forEach((handle) => {
      const label = handle.closest(".jupyter-widgets")?.querySelector(".widget-label, label");
      handle.setAttribute("aria-label", label?.textContent.trim() || "slider");
    });
    // A progress bar, likewise.
    document.querySelectorAll("[role=progressbar]:not([aria-label])").forEach((bar) => {
      bar.setAttribute("aria-label", "progress");
    });
    // These buttons show one text and claim another: the text that is seen is their name.
    document
      .querySelectorAll("button.search-button-field, .theme-switch-button, details.hide > summary, details.toggle-details > summary")
      .forEach((button) => {
        if (button.textContent.trim()) button.removeAttribute("aria-label");
      });
    // An arrow that opens a part of the sidebar says which part.
    document.querySelectorAll("nav details > summary").forEach((arrow) => {
      const part = arrow.closest("li")?.querySelector("a")?.textContent.trim();
      if (part && !arrow.textContent.trim()) arrow.setAttribute("aria-label", `Pages of ${part}`);
    });
    // Regions that scroll can be reached by the keyboard.
    document.querySelectorAll("div.highlight pre, div.math, mjx-container[display], table.table, .cell_output .output pre").forEach((region) => {
      if (region.scrollWidth > region.clientWidth && !region.hasAttribute("tabindex")) region.setAttribute("tabindex", "0");
    });
    // docutils gives the bibliography roles that are no longer used, and a list that is none.
    document.querySelectorAll("[role=doc-biblioentry], .citation-list[role=list]").forEach((entry) => entry.removeAttribute("role"));
    const sidebar = document.querySelector(".bd-sidebar-primary");
    sidebar?.setAttribute("role", "navigation");
    sidebar?.setAttribute("aria-label", "Book");
  };
  const begin = () => {
    name();
    let due = 0;
    new MutationObserver(() => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(name);
    }).observe(document.body, { childList: true, subtree: true });
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", begin);
  else begin();
})();
