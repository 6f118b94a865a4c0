// Signing in, as the people of the demo.

// Fills the form that the page shows, and sends it.
export async function signIn(page, name, password = `demo-${name}`) {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

// Goes to the form, fills it with what the page tells of the people of the demo, and waits until the
// page bears the name.
export async function signInAs(page, server, name) {
  await page.goto(`${server.url}sign-in`);
  const told = page.locator('.demo').getByRole('row').filter({ hasText: name });
  const [, password] = await told.locator('code').allTextContents();
  await signIn(page, name, password);
  await account(page, name).waitFor();
}

// The link to the account of whoever is signed in. The people of the demo are named as their roles.
export const account = (page, name) => page.getByRole('link', { name: `Account of ${name} ${name}` });
