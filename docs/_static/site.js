// What is wider than its place scrolls in itself: let it be reached by keyboard, and say what it is.
for (const box of document.querySelectorAll(".output, .error, .highlight pre, .table-wrapper, div.math")) {
  if (box.scrollWidth > box.clientWidth) {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", "scrolls sideways");
  }
}
