// Wakes the islands of the page once the browser has time: what Leptos' own `HydrationScripts` does.
// The files are fetched from here, at once: of a preload link the browser complains on its console when
// a busy machine comes to use the file only some seconds later.
const address = (file) => new URL(`pkg/${file}`, document.baseURI).href;
const script = import(address('app.js'));
const module = fetch(address('app_bg.wasm'));
// A browser that draws nothing may never be idle, hence the timeout [ms].
const idle = window.requestIdleCallback ?? ((wake) => wake());
const LATEST = { timeout: 500 };

async function wake(node, islands, around) {
  const tag = node.tagName.toLowerCase();
  if (tag === 'leptos-island') {
    const island = islands[node.dataset.component];
    // The island around this one has handed it its children.
    around.at(-1)?.();
    if (island) await island(node);
    else console.warn(`There is no island ${node.dataset.component}.`);
  }
  const inner = tag === 'leptos-children' ? [...around, node.$$on_hydrate] : around;
  for (const child of node.children) await wake(child, islands, inner);
}

idle(async () => {
  const islands = await script;
  await islands.default({ module_or_path: module });
  islands.hydrate();
  await wake(document.body, islands, []);
}, LATEST);
