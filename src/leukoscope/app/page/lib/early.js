// Runs before the first paint, so that the other theme never flashes up.
try {
  document.documentElement.dataset.theme = localStorage.getItem("leukoscope.theme") ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto";
}
