// Reverse proxies as Debian packages them, set up by the recipes of docs/reverse-proxy.md.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const docs = join(dirname(fileURLToPath(import.meta.url)), '../../../docs/reverse-proxy.md');
// Of the recipes: where the server is, and where browsers see it.
const UPSTREAM = '127.0.0.1:8750';
const SITE = 'lst.example.org';
// A proxy that does not come up is a failure.
const PATIENCE = 60_000;

// A port that nobody has.
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// The block of the documentation in a proxy's language.
function recipe(language, upstream) {
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readFileSync(docs, 'utf8'));
  if (!block) throw new Error(`${docs} has no recipe for ${language}`);
  return block[1].replaceAll(UPSTREAM, upstream);
}

const root = process.getuid() === 0;

// Each writes its configuration into a directory and returns the command to run.
const proxies = {
  nginx(dir, port, upstream) {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
    const config = join(dir, 'nginx.conf');
    writeFileSync(config, `
      ${root ? 'user root;' : ''}
      daemon off; pid ${dir}/nginx.pid; error_log stderr;
      events {}
      http {
        include /etc/nginx/mime.types; access_log off; gzip on;
        ${temporary.map((name) => `${name}_temp_path ${dir}/${name};`).join(' ')}
        server { listen 127.0.0.1:${port};
          ${recipe('nginx', upstream)}
        }
      }`);
    return ['nginx', '-p', dir, '-e', 'stderr', '-c', config];
  },
  apache(dir, port, upstream) {
    const modules = ['mpm_event', 'authz_core', 'proxy', 'proxy_http', 'headers'];
    const config = join(dir, 'apache.conf');
    writeFileSync(config, `
      ServerRoot ${dir}
      ServerName 127.0.0.1
      ${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
      PidFile ${dir}/apache.pid
      ErrorLog ${dir}/error.log
      Listen 127.0.0.1:${port}
      ${recipe('apache', upstream)}
    `);
    return ['apache2', '-D', 'FOREGROUND', '-f', config];
  },
  caddy(dir, port, upstream) {
    const config = join(dir, 'Caddyfile');
    // Without a name that it would get a certificate for.
    const site = recipe('caddy', upstream).replace(SITE, `http://127.0.0.1:${port}`);
    writeFileSync(config, `{\n  admin off\n  auto_https off\n}\n${site}`);
    return ['caddy', 'run', '--adapter', 'caddyfile', '--config', config];
  },
};

export class Proxy {
  // Starts a proxy on a port before the server at `upstream` (host and port), and waits until it answers.
  static async start(name, port, upstream) {
    const proxy = new Proxy();
    proxy.dir = mkdtempSync(join(tmpdir(), `osa-${name}-`));
    const [program, ...words] = proxies[name](proxy.dir, port, upstream);
    const env = { ...process.env, HOME: proxy.dir, XDG_DATA_HOME: proxy.dir, XDG_CONFIG_HOME: proxy.dir, PATH: `${process.env.PATH}:/usr/sbin` };
    proxy.process = spawn(program, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    proxy.said = '';
    proxy.process.stderr.on('data', (data) => { proxy.said += data; });
    proxy.ended = new Promise((resolve) => {
      proxy.process.once('exit', resolve);
      proxy.process.once('error', (error) => { proxy.said += error; resolve(); });
    });
    let over = false;
    proxy.ended.then(() => { over = true; });
    const origin = `http://127.0.0.1:${port}/`;
    for (const begun = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 20))) {
      if (over || Date.now() - begun > PATIENCE) throw new Error(`${name} does not answer: ${proxy.log()}`);
      if (await fetch(origin).then(() => true, () => false)) return proxy;
    }
  }

  // What it has said, on standard error or in its log.
  log() {
    const file = join(this.dir, 'error.log');
    return this.said + (existsSync(file) ? readFileSync(file, 'utf8') : '');
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
