// Wakes the islands of the page once the browser has time: what Leptos' own `HydrationScripts` does.
const idle = window.requestIdleCallback ?? ((wake) => wake());

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
  const address = (file) => new URL(`pkg/${file}`, document.baseURI).href;
  const islands = await import(address('app.js'));
  await islands.default({ module_or_path: address('app_bg.wasm') });
  islands.hydrate();
  await wake(document.body, islands, []);
});
