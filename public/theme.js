// Applies the colours that somebody chose before the page is painted. See app/src/live/theme.rs.
try {
  const chosen = localStorage.getItem('osa-theme');
  if (chosen) document.documentElement.dataset.theme = chosen;
} catch {
  // No storage, no choice.
}
