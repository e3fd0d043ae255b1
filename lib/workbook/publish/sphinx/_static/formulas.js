// Formulas are what the notebooks' prose has between dollars, which comes in elements of class `math`. Nothing else on a
// page is one: texts of studies are not searched, and a formula cannot hold a link, load a package or define a command.
window.MathJax = {
  options: { enableMenu: false, ignoreHtmlClass: ".*|", processHtmlClass: "math" },
  tex: { packages: { "[-]": ["html", "require", "autoload", "newcommand", "configmacros"] } },
  svg: { fontCache: "global" },
};
// A wide formula scrolls in its own box; the keyboard must reach it.
window.addEventListener("load", () => {
  const ready = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
  if (ready) {
    ready.then(() => document.querySelectorAll('mjx-container[display="true"]').forEach((box) => (box.tabIndex = 0)));
  }
});
