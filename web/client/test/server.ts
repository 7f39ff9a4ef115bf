import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const dll = process.env.PENSTOCK_SERVER ?? join(root, 'artifacts/bin/Penstock.Server/release/Penstock.Server.dll');

/** A real server as a process of its own, whose folder and port outlive its restarts. */
export class Server {
  log = '';
  #process: ChildProcess | undefined;

  private constructor(readonly port: number, private readonly folder: string, private readonly settings: Record<string, string>, private readonly looped: boolean) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Keys are below `Penstock:`, `Streams:Heartbeat`. In a loop it is in development, and starts again when it dies. */
  static async start(settings: Record<string, string> = {}, { looped = false } = {}): Promise<Server> {
    if (!existsSync(dll)) throw new Error(`Build Penstock.Server first: there is no ${dll}.`);
    const server = new Server(await freePort(), mkdtempSync(join(tmpdir(), 'penstock-client-')), settings, looped);
    await server.launch();
    return server;
  }

  async launch(): Promise<void> {
    const env: Record<string, string> = { Penstock__Storage__Path: this.folder, Logging__LogLevel__Default: 'Warning' };
    for (const [name, value] of Object.entries(process.env)) if (value !== undefined && !/_API_KEY$|^OLLAMA_HOST$/.test(name)) env[name] = value;
    for (const [key, value] of Object.entries(this.settings)) env[`Penstock__${key.replaceAll(':', '__')}`] = value;
    if (this.looped) env.ASPNETCORE_ENVIRONMENT = 'Development';
    const command = ['dotnet', dll, '--urls', this.url];
    const [program, ...args] = this.looped ? ['sh', '-c', 'until "$0" "$@"; do sleep 0.1; done', ...command] : command;
    const started = spawn(program!, args, { env, cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'], detached: this.looped });
    this.#process = started;
    started.stdout!.on('data', data => (this.log += data));
    started.stderr!.on('data', data => (this.log += data));
    await until('the server answers', async () => {
      if (started.exitCode !== null) throw new Error(`The server exited with ${started.exitCode}:\n${this.log}`);
      return (await fetch(`${this.url}/healthz`).catch(() => undefined))?.ok === true;
    });
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    if (this.looped) process.kill(-running.pid!, signal);
    else running.kill(signal);
    await once(running, 'exit');
  }

  async dispose(): Promise<void> {
    await this.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Waits for a condition. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, limit = 30_000): Promise<void> {
  for (const end = Date.now() + limit; !(await condition()); await new Promise(resolve => setTimeout(resolve, 20))) {
    if (Date.now() > end) throw new Error(`Waited in vain: ${what}.`);
  }
}
