// Behind a stock Caddy, as docs/reverse-proxy.md sets it up.
import { behind } from '../lib/behind.mjs';

await behind('caddy');
