// Demo nights in a directory: made once for all test files by the program as it is, then copied.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';

const PREFIX = 'browser-demo-';

// The nights as they were made, beside the program. Of test files that come at the same moment each
// makes its own, and the first keeps it: a directory is renamed in one step, and never over another.
function original(osa) {
  const programs = [osa, join(dirname(osa), 'lstchain-standin')].filter(existsSync);
  const build = programs.map((program) => Math.round(statSync(program).mtimeMs)).join('-');
  const kept = join(dirname(osa), `${PREFIX}${build}`);
  if (existsSync(kept)) return kept;
  const made = mkdtempSync(`${kept}.`);
  execFileSync(osa, ['demo', '--without-large', join(made, 'demo')], { stdio: 'pipe' });
  writeFileSync(join(made, 'made-in'), join(made, 'demo'));
  try {
    renameSync(made, kept);
  } catch (error) {
    if (!existsSync(kept)) throw error;
    rmSync(made, { recursive: true, force: true });
  }
  forgetOthers(kept);
  return kept;
}

// Removes what earlier builds of the program have left; a day later, when nobody uses it any more.
function forgetOthers(kept) {
  const yesterday = Date.now() - 24 * 3600 * 1000;
  for (const name of readdirSync(dirname(kept))) {
    const path = join(dirname(kept), name);
    if (name.startsWith(PREFIX) && path !== kept && statSync(path).mtimeMs < yesterday) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

// Makes the demo nights in a directory that does not exist yet.
export function makeDemo(osa, directory) {
  const kept = original(osa);
  execFileSync('cp', ['-a', join(kept, 'demo'), directory]);
  const before = readFileSync(join(kept, 'made-in'), 'utf8');
  // The configurations name the directory, and so does what the stages have written down, and the file
  // that names the site's database.
  for (const name of readdirSync(directory, { recursive: true })) {
    if (!['.cfg', '.toml', '.log'].includes(extname(name)) && basename(name) !== 'osa-ledger') continue;
    const file = join(directory, name);
    const text = readFileSync(file, 'utf8');
    if (text.includes(before)) writeFileSync(file, text.replaceAll(before, directory));
  }
}
