// The console in a browser: every page in both languages, light and dark, at a desk and on a phone; by keyboard; and when something goes down.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const { LGSP_LINK: link, LGSP_DATA: data, LGSP_PID: hub, LGSP_PICTURES: pictures } = process.env;
const origin = new URL(link).origin;
const PATIENCE = 30_000;
const PAGES = ['/', '/wall', '/links/provider/land', '/links/application/tthc', '/links/broker/kafka', '/links/other/x'];
const SCREENS = [
  { name: 'desk', width: 1440, height: 900 },
  { name: 'phone', width: 390, height: 844 },
  { name: 'small', width: 360, height: 640 },
];

let browser;
let signedIn;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(link);
  assert.equal(page.url(), `${origin}/`);
  await page.waitForFunction(() => document.querySelectorAll('a[href^="/links/source/"]').length >= 10, null, { timeout: PATIENCE });
  signedIn = await context.storageState();
  await page.goto(link);
  assert.match(await page.locator('main').innerText(), /lgsp console link/, 'a link is good once');
  await context.close();
  if (pictures) mkdirSync(pictures, { recursive: true });
});

after(() => browser?.close());

async function opened(path, { lang = 'vi', screen = SCREENS[0], colorScheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: screen, colorScheme, storageState: signedIn });
  await context.addCookies([{ name: 'lgsp-language', value: lang, url: origin }]);
  const page = await context.newPage();
  const troubles = [];
  page.on('console', (message) => { if (message.type() === 'error' && !message.text().includes('404')) troubles.push(message.text()); });
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('request', (request) => { if (!request.url().startsWith(origin)) troubles.push(`asks ${request.url()}`); });
  await page.goto(origin + path);
  return { page, troubles, close: () => context.close() };
}

async function serious(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html).join(' ')}`);
}

for (const path of PAGES) {
  for (const lang of ['vi', 'en']) {
    for (const screen of SCREENS) {
      for (const colorScheme of ['light', 'dark']) {
        test(`${path} reads well in ${lang}, ${colorScheme}, at a ${screen.name}`, async () => {
          const { page, troubles, close } = await opened(path, { lang, screen, colorScheme });
          assert.equal(await page.locator('html').getAttribute('lang'), lang);
          assert.equal(await page.locator('h1').count(), 1);
          const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          assert.equal(beyond, 0, 'nothing is wider than the screen');
          // It takes seconds, and tells the same of a phone that is a little smaller.
          if (screen.name !== 'small') assert.deepEqual(await serious(page), []);
          assert.deepEqual(troubles, []);
          if (pictures && screen.name !== 'small') {
            const name = path === '/' ? 'overview' : path.slice(1).replaceAll('/', '-');
            await page.screenshot({ path: `${pictures}/${name}-${lang}-${colorScheme}-${screen.name}.png`, fullPage: path !== '/wall' });
          }
          await close();
        });
      }
    }
  }
}

test('the keyboard reaches everything, first the way past the frame', async () => {
  const { page, close } = await opened('/links/provider/land');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  const reached = new Set();
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.name || document.activeElement.getAttribute('href') || document.activeElement.tagName));
  }
  for (const name of ['from', 'hours', 'reason', 'BODY']) assert.ok(reached.has(name), `${name}: ${[...reached]}`);
  await close();
});

test('language and theme are one click away and stay', async () => {
  const { page, close } = await opened('/links/provider/land');
  await page.getByRole('button', { name: 'English' }).click();
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  assert.equal(page.url(), `${origin}/links/provider/land`);
  await page.getByRole('button', { name: /Theme/ }).click();
  assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark');
  await close();
});

test('a page works without a script', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: signedIn });
  const page = await context.newPage();
  await page.goto(`${origin}/`);
  assert.ok(await page.locator('a[href="/links/provider/land"]').count() > 0);
  await context.close();
});

test('a source that breaks is told with its cause and what to do, and comes back', async () => {
  const { page, close } = await opened('/');
  alter('enterprise', 'enterprise_away');
  const told = page.locator('#part-attention .item.down', { has: page.locator('a[href^="/links/source/business/"]') });
  await told.waitFor({ timeout: PATIENCE });
  assert.match(await told.innerText(), /Nguồn dữ liệu trả lời khác mong đợi[^]*Việc cần làm/);
  await page.locator('a.node.down').first().waitFor({ timeout: PATIENCE });
  if (pictures) await page.screenshot({ path: `${pictures}/overview-down.png` });
  alter('enterprise_away', 'enterprise');
  await told.waitFor({ state: 'detached', timeout: PATIENCE });
  await close();
});

// Renames a table of the synthetic city's enterprises.
function alter(from, to) {
  const script = 'import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=10); c.execute(f"ALTER TABLE {sys.argv[2]} RENAME TO {sys.argv[3]}"); c.commit()';
  execFileSync('python3', ['-c', script, `${data}/sources/business.db`, from, to]);
}

test('a page that hears nothing any more says so, and since when', async () => {
  const { page, close } = await opened('/');
  await page.locator('#part-summary [data-said]').waitFor();
  process.kill(Number(hub), 'SIGSTOP');
  await page.locator('#stale').waitFor({ state: 'visible', timeout: 30_000 });
  assert.match(await page.locator('#stale-at').innerText(), /^\d\d:\d\d:\d\d$/);
  process.kill(Number(hub), 'SIGCONT');
  await page.locator('#stale').waitFor({ state: 'hidden', timeout: 45_000 });
  await close();
});

test('a name is text', async () => {
  const { page, troubles, close } = await opened('/links/application/%3Cimg%20src=x%20onerror=alert(1)%3E');
  assert.equal(await page.locator('main img').count(), 0);
  assert.deepEqual(troubles, []);
  await close();
});

test('whoever signs out is out, on the pages that are open too', async () => {
  const context = await browser.newContext({ storageState: signedIn });
  const page = await context.newPage();
  const open = await context.newPage();
  await open.goto(`${origin}/`);
  await page.goto(`${origin}/`);
  await page.getByRole('button', { name: 'Đăng xuất' }).click();
  assert.match(await page.locator('main').innerText(), /Bạn đã đăng xuất/);
  await page.goto(`${origin}/`);
  assert.match(await page.locator('main').innerText(), /kết thúc|Đăng nhập/);
  await open.locator('#over').waitFor({ state: 'visible', timeout: PATIENCE });
  await context.close();
  assert.ok(readdirSync(`${data}/console`).every((name) => !name.endsWith('.link')), 'no link is left');
});
