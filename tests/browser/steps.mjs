// What the browser tests share: a browser, pages that watch for refusals, and steps that leave a screenshot.
import { chromium } from 'playwright-core';
import fs from 'fs';

// What run.py writes; see README.md.
export const plan = JSON.parse(fs.readFileSync(process.argv[2]));
export const { web, screenshots, alice, bob } = plan;
fs.mkdirSync(screenshots, { recursive: true });
export const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
let number = 0;

export async function open_page() {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: 'en-GB' });
    const page = await context.newPage();
    page.setDefaultTimeout(60000);
    page.on('pageerror', (error) => console.log('page error:', String(error).slice(0, 200)));
    // What the server does not know, a client may need: look at these lines.
    page.on('response', async (answer) => {
        const text = answer.status() >= 400 ? await answer.text().catch(() => '') : '';
        const is_known = plan.outdated.some((name) => answer.url().includes(name));
        if (answer.status() >= 500 || (text.includes('M_UNRECOGNIZED') && !is_known)) {
            console.log('refused:', answer.status(), answer.request().method(), answer.url().slice(0, 160));
            process.exitCode = 1;
        }
    });
    return page;
}

// A step that fails ends the run: what follows builds on it.
export async function step(name, page, act) {
    let failed = false;
    number++;
    try {
        await act();
        console.log('ok', name);
    } catch (error) {
        console.log('not ok', name, String(error).slice(0, 600));
        failed = true;
    }
    await page.screenshot({ path: `${screenshots}/${String(number).padStart(2, '0')}-${name}.png` });
    if (failed) {
        await browser.close();
        process.exit(1);
    }
}

export async function as_bob(method, path, body) {
    const answer = await fetch(plan.server + path, {
        method,
        headers: { Authorization: `Bearer ${bob.token}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
    });
    if (!answer.ok)
        throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
}

// Bob joins and begins a thread below the event; the browser is to answer in it.
export async function begin_thread(room_id, root) {
    await as_bob('POST', `/_matrix/client/v3/join/${encodeURIComponent(room_id)}`, {});
    const content = { msgtype: 'm.text', body: 'Begun by Bob', 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    await as_bob('PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(room_id)}/send/m.room.message/1`, content);
}
