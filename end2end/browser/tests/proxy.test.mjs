// Behind a stock nginx, as docs/reverse-proxy.md sets it up.
import { behind } from '../lib/behind.mjs';

await behind('nginx');
