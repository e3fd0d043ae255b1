// The switch leads to the same place of the page in the other language: the last named place above the fold.
// A place that was led to stands 160 pixels down, below the menu.
window.addEventListener("DOMContentLoaded", () => {
  const named = () => [...document.querySelectorAll('[id^="exhibit-"], [id^="m-"]')];
  document.querySelectorAll("a.fusion-switch").forEach((link) => {
    link.addEventListener("click", () => {
      const above = named().filter((place) => place.getBoundingClientRect().top < 180);
      const last = above[above.length - 1];
      link.hash = last && window.scrollY > 0 ? last.id : "";
    });
  });
});
