// What people do in the web client Hydrogen, in headless Chromium, with a screenshot of each step: node hydrogen.mjs PLAN.
// Alice has another session already, in matrix-js-sdk, which set up her keys: what Hydrogen can not do. Every step waits
// for what it is about to see, never for a time.
import { spawn } from 'child_process';
import readline from 'readline';
import { alice, begin_thread, bob, browser, open_page, plan, step, web } from './steps.mjs';

// tests/clients/js/actor.mjs: a client in a process of its own; `do_it` is a command to it.
class Actor {
    constructor() {
        this.process = spawn('node', ['actor.mjs'], { cwd: plan.actor, stdio: ['pipe', 'pipe', 'inherit'] });
        this.lines = readline.createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    }
    async do_it(verb, rest = {}) {
        this.process.stdin.write(JSON.stringify({ id: 1, do: verb, baseUrl: plan.server, ...rest }) + '\n');
        const answer = JSON.parse((await this.lines.next()).value);
        if (answer.error)
            throw new Error(`${verb}: ${answer.error}`);
        return answer.result;
    }
    async sign_in() {
        const { user_id, password } = alice;
        const { device_id } = await this.do_it('login', { username: user_id, password });
        await this.do_it('start', { crypto: true });
        return device_id;
    }
    close() {
        this.process.stdin.end();
    }
}

async function sign_in(page) {
    await page.goto(web);
    await page.locator('#username').fill(alice.user_id);
    await page.locator('#password').fill(alice.password);
    await page.getByRole('button', { name: 'Log In' }).click();
    await page.locator('.RoomList').getByText('Secret').waitFor();
}

const message = (page, text) => page.locator('.Timeline .Timeline_message').filter({ hasText: text }).last();

async function say(page, text) {
    await page.locator('.MessageComposer textarea').fill(text);
    await page.keyboard.press('Enter');
    await message(page, text).and(page.locator(':not(.unsent)')).waitFor();
}

// From the menu of a message, the room or the composer.
async function choose(page, button, item) {
    await button.click();
    await page.locator('button.menu-item', { hasText: item }).click();
}

async function options_of(page, text) {
    await message(page, text).hover();
    return message(page, text).locator('.Timeline_messageOptions');
}

async function open_room(page, name) {
    // Until the server has made it a new room has an address of its own.
    await page.locator('.RoomList a[href*="/open-room/!"]', { hasText: name }).click();
    await page.locator('.RoomHeader').getByText(name).waitFor();
}

// By their names: Hydrogen draws two of the 64, smiley and anchor, with other characters than the specification.
async function compare_emoji(page, other) {
    const shown = page.locator('.VerifyEmojisView .EmojiContainer__name');
    await shown.last().waitFor();
    const names = [await shown.allTextContents(), await other.do_it('sas_names')].map((list) => list.join(', ').toLowerCase());
    if (names[0] !== names[1] || names[0].split(', ').length !== 7)
        throw new Error(`different emoji: ${names.join(' and ')}`);
}

const elsewhere = new Actor();
await elsewhere.sign_in();
await elsewhere.do_it('set_up_cross_signing');
const recovery_key = await elsewhere.do_it('set_up_secret_storage');
const secret = { room_id: plan.secret };
await elsewhere.do_it('wait_for_encryption', secret);
await elsewhere.do_it('send_text', { ...secret, text: 'Written before the browser came' });
await elsewhere.do_it('wait_for_backup', { count: 1 });

const page = await open_page();
await step('sign-in', page, () => sign_in(page));
await step('create-room', page, async () => {
    await choose(page, page.getByRole('button', { name: 'Create room' }), 'Create Room');
    await page.locator('#name').fill('Archives');
    await page.locator('#isEncrypted').uncheck();
    await page.locator('.CreateRoomView').getByRole('button', { name: 'Create room' }).click();
    await open_room(page, 'Archives');
});
const room_id = decodeURIComponent(page.url().split('/room/')[1].split('/')[0]);
await step('message', page, () => say(page, 'Good morning from the browser'));
await step('reply', page, async () => {
    await choose(page, await options_of(page, 'Good morning from the browser'), 'Reply');
    await page.getByText('Replying').waitFor();
    await say(page, 'A reply to it');
});
await step('reaction', page, async () => {
    await (await options_of(page, 'A reply to it')).click();
    await page.locator('.quick-reactions button').first().click();
    await message(page, 'A reply to it').locator('.Timeline_messageReactions button').waitFor();
});
await step('redaction', page, async () => {
    await say(page, 'A slip of the pen');
    await choose(page, await options_of(page, 'A slip of the pen'), 'Delete');
    await page.getByText('This message has been deleted.').waitFor();
});
await step('image', page, async () => {
    const chooser = page.waitForEvent('filechooser');
    await choose(page, page.getByRole('button', { name: 'Send file' }), 'Send picture');
    await (await chooser).setFiles(plan.image);
    // Downloaded again and shown.
    await page.waitForFunction(() => [...document.querySelectorAll('.Timeline_message .media img')].some((image) => image.naturalWidth > 0));
});
await step('invite', page, async () => {
    await choose(page, page.getByRole('button', { name: 'Room options' }), 'Room details');
    await page.getByText('People').click();
    await page.locator('.MemberListView__invite-btn').click();
    await page.locator('.InvitePanelView__input').fill(bob.user_id);
    await page.locator('.InvitePanelView__btn').click();
    await page.getByText('was invited').or(page.getByText('invited bob')).last().waitFor();
});
await step('thread', page, async () => {
    const root = await message(page, 'Good morning from the browser').getAttribute('data-event-id');
    await begin_thread(room_id, root);
    await choose(page, await options_of(page, 'Begun by Bob'), 'Reply');
    await say(page, 'Answered in the thread');
});
await step('search', page, async () => {
    await page.locator('input[name=room-filter]').fill('arch');
    await page.locator('.RoomList').getByText('Secret').waitFor({ state: 'hidden' });
    await page.locator('.RoomList').getByText('Archives').waitFor();
    await page.locator('.FilterField').getByRole('button').click();
});
// Before the first message: Hydrogen gives the keys of a conversation to those sessions that are there when it begins.
const another = new Actor();
const device_id = await another.sign_in();
await step('encrypted-room', page, async () => {
    await open_room(page, 'Secret');
    await page.getByText("hasn't sent us the key").waitFor();
    await say(page, 'For our eyes only');
    await elsewhere.do_it('wait_for_text', { ...secret, text: 'For our eyes only' });
});
await step('key-backup', page, async () => {
    await page.locator('a.settings').click();
    const field = page.getByPlaceholder('Security key');
    const use_key = page.getByRole('button', { name: 'use your security key' });
    await field.or(use_key).first().waitFor();
    if (await use_key.isVisible())
        await use_key.click();
    await field.fill(recovery_key);
    await field.locator('xpath=following-sibling::button').click();
    await page.getByText('Key backup is enabled').waitFor();
    await page.getByText('Cross-signing master key found and trusted.').waitFor();
});
await step('restored', page, async () => {
    await open_room(page, 'Secret');
    await message(page, 'Written before the browser came').waitFor();
});
await step('verification', page, async () => {
    await page.locator('a.settings').click();
    await page.getByRole('button', { name: 'Verify by emoji' }).click();
    await another.do_it('accept_verification');
    await page.getByRole('button', { name: 'Proceed' }).waitFor();
    await another.do_it('start_sas');
    await compare_emoji(page, another);
});
await step('verified', page, async () => {
    await another.do_it('confirm_sas');
    await page.getByRole('button', { name: 'They match', exact: true }).click();
    await page.getByText('Verification completed successfully!').waitFor();
    await another.do_it('wait_for_verification');
    await another.do_it('wait_for_cross_signed', { user_id: alice.user_id, device_id });
});
await step('second-session-reads', page, async () => {
    await page.getByRole('button', { name: 'Got it' }).click();
    await another.do_it('send_text', { ...secret, text: 'Verified by now' });
    await open_room(page, 'Secret');
    await message(page, 'Verified by now').waitFor();
    await say(page, 'So are you');
    await another.do_it('wait_for_text', { ...secret, text: 'So are you' });
});
elsewhere.close();
another.close();
await browser.close();
