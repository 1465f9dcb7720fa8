/**
 * Measures the window in a real Chromium: what it weighs, how soon it paints, what it costs while nothing happens, and
 * whether it stays smooth. Prints Markdown; docs/performance.md has what it said. Linux only, for the processes' times.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser, type Page } from 'playwright';
import { ensureChromium } from '../e2e/support/chromium.ts';
import { fakeServerCommand } from '../integration/support/fake-server-command.ts';
import { startCorral, type CorralUnderTest } from './corral-process.ts';
import { buildPrograms } from './programs.ts';
import { percentile, spreadOf } from './statistics.ts';

const windowFolder = fileURLToPath(new URL('../../out/renderer', import.meta.url));
const ROUNDS = 7;
const IDLE_MS = 60_000;
/** A browser tidies up after its first pages: its cache on disk, the renderers it no longer needs. */
const SETTLE_MS = 30_000;
const LINES = 100_000;
/** Bytes of a line of the fixture's flood, with its end. */
const LINE_BYTES = 96;
const FLOOD_BYTES_PER_SECOND = 600_000;

async function measureWeight(): Promise<{ readonly script: number; readonly all: number }> {
  let [script, all] = [0, 0];
  for (const name of await readdir(windowFolder, { recursive: true })) {
    if (!/\.(js|css|html|svg)$/.test(name)) continue;
    const bytes = gzipSync(await readFile(path.join(windowFolder, name))).length;
    all += bytes;
    if (name.endsWith('.js')) script += bytes;
  }
  return { script, all };
}

/** Fresh profiles, a warm server: what somebody waits who opens the address. */
async function measureFirstPaint(browser: Browser, url: string): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    await page.locator('[data-model]').first().waitFor();
    times.push(
      await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"),
    );
    await context.close();
  }
  return times;
}

/** On a processor, by the scheduler's own clock: a process that wakes for a moment is lost, or doubled, in whole ticks. */
async function readCpuMs(pid: number): Promise<number> {
  let cpuMs = 0;
  for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
    const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').catch(() => '0');
    cpuMs += Number(text.split(' ')[0]) / 1e6;
  }
  return cpuMs;
}

async function readTree(rootPid: number): Promise<number> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => undefined); // It has ended meanwhile.
    if (stat !== undefined) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number): boolean => pid === rootPid || (parents.has(pid) && isBelow(parents.get(pid) ?? 0));
  let cpuMs = 0;
  for (const pid of parents.keys()) if (isBelow(pid)) cpuMs += await readCpuMs(pid);
  return cpuMs;
}

async function measureIdle(corral: CorralUnderTest, browserPid: number): Promise<{ engine: number; window: number }> {
  const before = { engine: await readCpuMs(corral.pid), window: await readTree(browserPid) };
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const after = { engine: await readCpuMs(corral.pid), window: await readTree(browserPid) };
  return { engine: (after.engine - before.engine) / IDLE_MS, window: (after.window - before.window) / IDLE_MS };
}

const observe = `
  globalThis.longTasks = [];
  globalThis.frames = [];
  new PerformanceObserver((list) => globalThis.longTasks.push(...list.getEntries().map((each) => each.duration)))
    .observe({ entryTypes: ['longtask'] });
  let last = performance.now();
  const tick = (now) => { globalThis.frames.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame(tick);
  undefined;
`;
const reset = 'globalThis.longTasks.length = 0; globalThis.frames.length = 0; undefined';

async function figures(
  page: Page,
): Promise<{ readonly longest: number; readonly count: number; readonly p99: number }> {
  const longTasks = await page.evaluate<number[]>('globalThis.longTasks');
  const frames = await page.evaluate<number[]>('globalThis.frames');
  return { longest: Math.max(0, ...longTasks), count: longTasks.length, p99: percentile(frames, 0.99) };
}

/** Opens the log of a model that writes 100,000 lines, and then scrolls through all of them. */
async function measureLogs(page: Page, corral: CorralUnderTest) {
  await page.evaluate("location.hash = '#/logs/loud'");
  await page.getByRole('heading', { level: 1, name: 'Logs' }).waitFor();
  await page.evaluate(observe);
  await corral.bridge.call('load-model', { model: 'loud' });
  await page.getByText('flood over').waitFor({ timeout: 120_000 });
  const filling = await figures(page);
  await page.evaluate(reset);
  const box = await page.getByText('flood over').boundingBox();
  await page.mouse.move((box?.x ?? 400) + 20, box?.y ?? 400);
  for (let step = 0; step < 60; step += 1) {
    await page.mouse.wheel(0, step % 3 === 2 ? 40_000 : -60_000);
    await page.waitForTimeout(50);
  }
  return { filling, scrolling: await figures(page) };
}

/** Sixteen streams, a queue and a log that grows: every kind of event, as often as there are any. */
async function measureBusy(page: Page, corral: CorralUnderTest) {
  await page.evaluate("location.hash = '#/herd'");
  await page.getByRole('heading', { level: 1, name: 'Herd' }).waitFor();
  await page.evaluate(reset);
  const body = JSON.stringify({ model: 'busy', stream: true, messages: [] });
  const headers = { 'content-type': 'application/json' };
  const ask = async (): Promise<void> => {
    const response = await fetch(`${corral.address}/v1/chat/completions`, { method: 'POST', headers, body });
    await response.text();
  };
  const endMs = performance.now() + 10_000;
  let requests = 0;
  await Promise.all(
    Array.from({ length: 24 }, async () => {
      for (; performance.now() < endMs; requests += 1) await ask();
    }),
  );
  return { ...(await figures(page)), requests };
}

function print(name: string, value: string, goal: string): void {
  console.log(`| ${name} | ${value} | ${goal} |`);
}

const inMs = (value: number): string => `${Math.round(value)} ms`;

const corral = await startCorral(
  { programs: await buildPrograms(undefined), corralNodeArgs: [] },
  {
    models: {
      loud: { command: fakeServerCommand({ floodStdout: FLOOD_BYTES_PER_SECOND, floodBytes: LINES * LINE_BYTES }) },
      busy: { command: fakeServerCommand({ tokens: 20, tokenDelayMs: 5 }), concurrency: 16 },
      quiet: { command: fakeServerCommand() },
    },
  },
);
const server = await chromium.launchServer({
  executablePath: await ensureChromium(),
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
});
const browser = await chromium.connect(server.wsEndpoint());
try {
  const url = `${corral.address}/ui/#token=${corral.token}`;
  console.log('| measure | figure | goal |\n| --- | --- | --- |');
  const { script, all } = await measureWeight();
  print(
    'the window, compressed',
    `${Math.round(all / 1000)} kB, ${Math.round(script / 1000)} kB of it script`,
    '350 kB',
  );
  const paint = spreadOf(await measureFirstPaint(browser, url));
  print('first paint', `${inMs(paint.median)} (${inMs(paint.min)} to ${inMs(paint.max)})`, '1,000 ms');

  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(url);
  await page.locator('[data-model]').first().waitFor();
  await corral.bridge.call('load-model', { model: 'quiet' });
  await page.waitForTimeout(SETTLE_MS);
  const idle = await measureIdle(corral, server.process().pid ?? 0);
  const percent = (part: number): string => `${(part * 100).toFixed(2)} %`;
  print('processor while idle, engine', percent(idle.engine), '1 % both');
  print('processor while idle, browser', percent(idle.window), '');

  const { filling, scrolling } = await measureLogs(page, corral);
  const tasks = ({ longest, count }: { longest: number; count: number }): string =>
    `longest task ${inMs(longest)}, ${count} over 50 ms`;
  print('100,000 lines arriving, 6,250 a second', tasks(filling), '');
  print('100,000 lines scrolled', tasks(scrolling), 'none over 50 ms');
  const busy = await measureBusy(page, corral);
  print(
    `Herd while ${busy.requests} streams pass in 10 s`,
    `frames p99 ${inMs(busy.p99)}, ${tasks(busy)}`,
    'no frame lost',
  );
} finally {
  await browser.close();
  await server.close();
  await corral.end();
}
