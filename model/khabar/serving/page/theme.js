// Not a module, so that it runs before anything is painted: light or dark, as chosen here or by the system.
(() => {
  const key = "khabar.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;

  function show() {
    root.dataset.theme = stored() ?? (system.matches ? "dark" : "light");
  }

  function stored() {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden
    }
  }

  window.switchTheme = () => {
    const theme = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(key, theme);
    } catch {} // then it holds until the page is closed
    root.dataset.theme = theme;
  };

  system.addEventListener("change", show);
  show();
})();
