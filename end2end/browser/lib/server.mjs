// A server of demo nights, as a newcomer starts it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, mkdirSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeDemo } from './demo.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const osa = process.env.OSA ?? join(here, '../../../target/debug/osa');

export class Server {
  static async start(settings = {}) {
    const server = new Server();
    server.dir = mkdtempSync(join(tmpdir(), 'osa-browser-'));
    server.demo = join(server.dir, 'demo');
    server.settings = settings;
    makeDemo(osa, server.demo);
    await server.listen('127.0.0.1:0');
    const night = await server.api('nights');
    // A night with failures and their logs, and one where nothing has begun.
    server.failing = night.nights.findLast((n) => n.state === 'failing' && n.runs > 2).date;
    server.fresh = night.nights.find((n) => n.state === 'fresh').date;
    return server;
  }

  // Starts the program and waits for the address it prints.
  async listen(address) {
    const env = { ...process.env, OSA_CONFIG: join(this.demo, 'sequencer.cfg'), ...this.settings };
    this.process = spawn(osa, ['serve', '--listen', address], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.ended = new Promise((resolve) => this.process.once('exit', resolve));
    let said = '';
    this.url = await new Promise((resolve, reject) => {
      this.process.stderr.on('data', (data) => {
        said += data;
        const url = /^(http:\S+)\n/m.exec(said);
        if (url) resolve(url[1]);
      });
      this.ended.then(() => reject(new Error(`the server ended: ${said}`)));
    });
  }

  async api(path) {
    const answer = await fetch(`${this.url}api/v1/${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  // The number of a night's first run of data, as pages write it.
  async firstRun(night) {
    const { sequences } = await this.api(night);
    return String(sequences.find((sequence) => sequence.kind === 'DATA').run).padStart(5, '0');
  }

  // The analysis directory of a night.
  analysis(date, prodId) {
    return join(this.demo, 'data/running_analysis', date.replaceAll('-', ''), prodId);
  }

  // Adds to a file, making it and its directory if need be.
  append(file, text) {
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, text);
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}
