// A wide formula scrolls in its own box; the keyboard must reach it.
window.addEventListener("load", () => {
  const ready = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
  if (ready) {
    ready.then(() => document.querySelectorAll('mjx-container[display="true"]').forEach((box) => (box.tabIndex = 0)));
  }
});
