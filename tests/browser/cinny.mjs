// What a person does in the web client Cinny, in headless Chromium, with a screenshot of each step.
// node cinny.mjs SERVER_URL SCREENSHOT_FOLDER USER_ID PASSWORD; see README.md.
import { chromium } from 'playwright-core';
import fs from 'fs';
const [,, base, shots, user, password] = process.argv;
fs.mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
let n = 0;
const page = await (await browser.newContext({ viewport: { width: 1200, height: 800 } })).newPage();
page.setDefaultTimeout(25000);
page.on('pageerror', e => console.log('PAGEERROR', String(e).slice(0,200)));
page.on('response', r => { if (r.status() >= 400) console.log('HTTP', r.status(), r.request().method(), r.url().slice(0,180)); });
async function step(name, f) {
  try { await f(); console.log('OK', name); } catch (e) { console.log('FAIL', name, String(e).slice(0, 300)); process.exitCode = 1; }
  n++; await page.waitForTimeout(1200);
  await page.screenshot({ path: `${shots}/${String(n).padStart(2,'0')}-${name}.png` });
}
const composer = () => page.locator('[contenteditable=true]').last();
const say = async t => { await composer().click(); await page.keyboard.type(t); await page.keyboard.press('Enter'); await page.getByText(t).last().waitFor(); };
await step('sign-in', async () => {
  await page.goto('http://127.0.0.1:18080/login/');
  await page.locator('input[name=usernameInput]').fill(user.slice(1).split(':')[0]);
  await page.locator('input[name=passwordInput]').fill(password);
  await page.locator('button[type=submit]').click();
  await page.waitForURL(/home|direct|explore/, { timeout: 60000 });
  await page.waitForTimeout(4000);
});
await step('create-room-dialog', async () => { await page.getByText('Create Room').first().click(); await page.waitForTimeout(1500); });
const create = async (name, encrypted) => {
  await page.locator('input[name=name]').last().waitFor();
  if (!encrypted) await page.mouse.click(833, 258);
  await page.locator('input[name=name]').last().fill(name);
  await page.getByRole('button', { name: 'Create' }).last().click();
  await composer().waitFor({ timeout: 40000 });
};
await step('create-room', () => create('Archives', false));
await step('message', () => say('Good morning from the browser'));
const button = async (t, fromEnd) => { await page.keyboard.press('Escape'); const m = page.locator('[data-message-id]').filter({ hasText: t }).last(); await m.hover({ position: { x: 200, y: 12 } }); await page.waitForTimeout(900); const box = await m.boundingBox(); await page.mouse.click({ 1: 899, 2: 869, 3: 839, 4: 809 }[fromEnd], box.y - 12); await page.waitForTimeout(900); };
await step('reply', async () => { await button('Good morning from the browser', 3); await say('A reply to it'); });
await step('edit', async () => { await button('A reply to it', 2); await page.waitForTimeout(700); await page.keyboard.press('Control+A'); await page.keyboard.type('An edited reply'); await page.keyboard.press('Enter'); await page.getByText('(edited)').last().waitFor(); });
await step('search', async () => { await page.goto('http://127.0.0.1:18080/home/search/?term=morning'); await page.getByText('Good morning from the browser').first().waitFor(); });
await step('create-encrypted-room', async () => { await page.goto('http://127.0.0.1:18080/home/'); await page.locator('button', { hasText: 'Create Room' }).first().click({ timeout: 5000 }).catch(async () => { await page.mouse.click(296, 27); await page.waitForTimeout(800); await page.getByText('Create Room').last().click(); }); await create('Secret', true); await say('For our eyes only'); await page.waitForTimeout(2500); });
await step('reload', async () => { await page.reload(); await page.getByText('For our eyes only').last().waitFor({ timeout: 40000 }); });
await browser.close();
