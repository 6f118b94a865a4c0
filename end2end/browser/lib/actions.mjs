// What shifters do: they see the plan, tick that they have, and let it be carried out.
import assert from 'node:assert/strict';

// Long, since jobs run meanwhile and machines can be slow.
export const PATIENCE = 240_000;

export const tick = (page) => page.getByRole('checkbox');
export const carryOut = (page) => page.locator('.confirm button.main');

// The heading above a plan.
export const plan = (page) => page.getByRole('heading', { name: 'What will happen' });

// Follows the button of an action on the page of a night to its plan.
export async function choose(page, action) {
  await page.locator('.title').getByRole('link', { name: action }).click();
  await plan(page).waitFor();
}

// Confirms the plan that is shown, and tells whether it was executed: of a night that has changed
// in between, the new plan is shown.
export async function confirmed(page) {
  await tick(page).check();
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await carryOut(page).click();
  assert.equal((await answer).status(), 303);
  await page.waitForURL(/\/nights\/[0-9-]+($|\?result=)|\/actions\/new\?.*result=/);
  return !page.url().includes('/actions/new?');
}

// The state of the night whose page this is.
export const state = (page) => page.locator('.title .state').first();

// Goes to a night's page and waits until it is in a state; the page follows the night by itself.
export async function untilState(page, server, night, text) {
  await page.goto(`${server.url}nights/${night}`);
  await state(page).filter({ hasText: text }).waitFor({ timeout: PATIENCE });
}
