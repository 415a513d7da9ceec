// What people do in the web client Cinny, in headless Chromium, with a screenshot of each step: node cinny.mjs PLAN.
// Every step waits for what it is about to see, never for a time.
import { alice, begin_thread, bob, browser, open_page, plan, screenshots, step, web } from './steps.mjs';

async function sign_in(page) {
    await page.goto(`${web}/login/`);
    await page.locator('input[name=usernameInput]').fill(alice.user_id.slice(1).split(':')[0]);
    await page.locator('input[name=passwordInput]').fill(alice.password);
    await page.locator('button[type=submit]').click();
    await page.waitForURL(/home|direct|explore/);
    await page.getByText('Create Room').first().waitFor();
}

const composer = (page) => page.locator('[contenteditable=true]').last();
const message = (page, text) => page.locator('[data-message-id]').filter({ hasText: text }).last();

async function say(page, text) {
    await composer(page).click();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
    await message(page, text).waitFor();
}

async function create_room(page, name, is_encrypted) {
    const field = page.locator('input[name=name]').last();
    await field.waitFor();
    if (!is_encrypted)
        await page.locator('.setting-tile', { hasText: 'end-to-end' }).locator('button.toggle').click();
    await field.fill(name);
    await page.getByRole('button', { name: 'Create', exact: true }).last().click();
    await composer(page).waitFor();
    await page.getByText(name).first().waitFor();
}

// From the menu of the right mouse button.
async function choose(page, text, item) {
    await message(page, text).getByText(text).last().click({ button: 'right' });
    await page.getByText(item, { exact: true }).last().click();
}

// The sidebar's buttons say what they are only when the mouse is over them.
async function sidebar(page, tooltip) {
    const buttons = page.locator('button');
    for (let i = 0; i < (await buttons.count()); i++) {
        const box = await buttons.nth(i).boundingBox();
        if (box === null || box.x > 66)
            continue;
        await buttons.nth(i).hover();
        const shown = page.getByText(tooltip, { exact: true }).last();
        if (await shown.waitFor({ timeout: 1500 }).then(() => true, () => false))
            return buttons.nth(i).click();
    }
    throw new Error(`the sidebar has no ${tooltip}`);
}

async function open_security(page) {
    await sidebar(page, 'User Settings');
    await page.locator('.tabs, .settings-window').getByText('Security', { exact: true }).first().click();
    await page.getByText('Cross signing', { exact: true }).first().waitFor();
}

const page = await open_page();
await step('sign-in', page, () => sign_in(page));
await step('create-room', page, async () => {
    await page.getByText('Create Room').first().click();
    await create_room(page, 'Archives', false);
});
await step('message', page, () => say(page, 'Good morning from the browser'));
await step('reply', page, async () => {
    await choose(page, 'Good morning from the browser', 'Reply');
    await say(page, 'A reply to it');
});
await step('edit', page, async () => {
    await choose(page, 'A reply to it', 'Edit Message');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('An edited reply');
    await page.keyboard.press('Enter');
    await page.getByText('(edited)').last().waitFor();
});
await step('reaction', page, async () => {
    await choose(page, 'An edited reply', 'Add Reaction');
    await page.locator('[data-emoji-type]').first().click();
    await page.locator('[data-message-id] button[data-reaction-key], [data-message-id] [aria-pressed=true]').first().waitFor();
});
await step('invite', page, async () => {
    await page.getByText('Invite Member').first().click();
    await page.locator('.invite-user input').fill(bob.user_id);
    await page.locator('.invite-user').getByRole('button', { name: 'Search' }).click();
    await page.locator('.invite-user__content').getByRole('button', { name: 'Invite' }).click();
    await page.getByText('Invited', { exact: true }).waitFor();
    await page.screenshot({ path: `${screenshots}/invited.png` });
    await page.mouse.click(600, 5);
    await page.locator('.invite-user').waitFor({ state: 'detached' });
});
const room_id = decodeURIComponent(page.url().split('/home/')[1].split('/')[0]);
await step('thread', page, async () => {
    await begin_thread(room_id, await message(page, 'Good morning from the browser').getAttribute('data-message-id'));
    await choose(page, 'Begun by Bob', 'Reply');
    await say(page, 'Answered in the thread');
});
await step('image', page, async () => {
    const chooser = page.waitForEvent('filechooser');
    await composer(page).locator('xpath=ancestor::*[count(.//button)>0][1]//button').first().click();
    await (await chooser).setFiles(plan.image);
    await page.getByText('Send', { exact: true }).last().click();
    const image = page.locator('[data-message-id] img[alt="picture.png"]').last();
    await image.scrollIntoViewIfNeeded();
    await page.waitForFunction(() => [...document.querySelectorAll('[data-message-id] img')].some((i) => i.naturalWidth === 320));
});
await step('search', page, async () => {
    await page.goto(`${web}/home/search/?term=morning`);
    await page.getByText('Good morning from the browser').first().waitFor();
});
await step('space', page, async () => {
    await page.goto(`${web}/home/`);
    await page.getByText('Archives').first().waitFor();
    await sidebar(page, 'Create Space');
    await page.locator('input[name=name]').last().fill('Town hall');
    await page.getByRole('button', { name: 'Create', exact: true }).last().click();
    await page.getByText('Town hall').first().waitFor();
    await page.getByText('Lobby').first().waitFor();
});
await step('encrypted-room', page, async () => {
    await page.goto(`${web}/home/`);
    await page.getByText('Archives').first().waitFor();
    await page.getByText('Create Room').first().click();
    await create_room(page, 'Secret', true);
    await say(page, 'For our eyes only');
});
await step('reload', page, async () => {
    await page.reload();
    await message(page, 'For our eyes only').waitFor();
});
await step('cross-signing', page, async () => {
    await open_security(page);
    await page.locator('.setting-tile', { hasText: 'Cross signing' }).getByRole('button', { name: 'Setup' }).click();
    await page.locator('input[name=phrase]').fill('papier-peint-rouge');
    await page.locator('input[name=confirmPhrase]').fill('papier-peint-rouge');
    await page.getByRole('button', { name: 'Set Phrase & Generate Key' }).click();
    const password = page.locator('.auth-request input[name=password]');
    const key = page.getByText('Please save this security key somewhere safe.');
    await password.or(key).first().waitFor();
    if (await password.isVisible()) {
        await password.fill(alice.password);
        await page.getByRole('button', { name: 'Continue' }).click();
    }
    await key.waitFor();
});
const second = await open_page();
await step('second-session', second, async () => {
    await sign_in(second);
    await open_security(second);
    await second.getByText('Verify this session either').waitFor();
});
await step('verification', second, async () => {
    await page.reload();
    await message(page, 'For our eyes only').waitFor();
    await open_security(page);
    await page.locator('.device-manage').getByRole('button', { name: 'Verify' }).first().click();
    await second.getByRole('button', { name: 'Accept' }).click();
    const both = [page, second];
    for (const one of both)
        await one.locator('.emoji-verification__emojis').waitFor();
    const emoji = await Promise.all(both.map((one) => one.locator('.emoji-verification__emojis').innerText()));
    if (emoji[0] !== emoji[1])
        throw new Error(`different emoji: ${emoji}`);
    await second.screenshot({ path: `${screenshots}/emoji.png` });
    for (const one of both)
        await one.getByRole('button', { name: 'They match' }).click();
    await second.getByText('No unverified sessions').waitFor();
});
await step('second-session-reads', second, async () => {
    await second.goto(`${web}/home/`);
    await second.getByText('Secret').first().click();
    await composer(second).waitFor();
    await say(second, 'Verified by now');
    await page.goto(`${web}/home/`);
    await page.getByText('Secret').first().click();
    await message(page, 'Verified by now').waitFor();
});
await step('key-backup', second, async () => {
    await message(second, 'Unable to decrypt message').waitFor();
    await open_security(second);
    const tile = second.locator('.setting-tile', { hasText: 'Encrypted messages backup' });
    await tile.locator('button').first().click();
    await second.locator('.secret-storage-access input[name=password]').fill('papier-peint-rouge');
    await second.locator('.secret-storage-access').getByRole('button', { name: 'Continue' }).click();
    await second.getByText('Successfully restored backup keys').waitFor();
});
await step('restored', second, async () => {
    await second.goto(`${web}/home/`);
    await second.getByText('Secret').first().click();
    await message(second, 'For our eyes only').waitFor();
});
await browser.close();
