// SPDX-License-Identifier: Apache-2.0
// The one blocking script: sets the theme before the first paint. The choice is kept in this browser.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try { return localStorage.getItem("theme") || "auto"; } catch { return "auto"; }
  };
  const apply = () => {
    const choice = chosen();
    document.documentElement.dataset.theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    document.dispatchEvent(new CustomEvent("themechange"));
  };
  dark.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === "theme" && apply());
  globalThis.cityTheme = {
    chosen,
    choose(choice) {
      try { localStorage.setItem("theme", choice); } catch { /* private mode: kept for this page only */ }
      apply();
      if (chosen() !== choice && choice !== "auto") document.documentElement.dataset.theme = choice;
    },
  };
  apply();
})();
