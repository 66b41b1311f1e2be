/** Draws the page for `docs/live-page.md`: `npm run build && npx tsx test/page/screens.ts`. */
import { fileURLToPath } from 'node:url'
import { PERSON, launchBrowser } from './browser.ts'
import { NOW, wholePicture } from './pictures.ts'
import { servePage } from './server.ts'

const FOLDER = fileURLToPath(new URL('../../docs/screens/', import.meta.url))

const VIEW = { width: 1280, height: 1470 }

const server = await servePage(wholePicture())
const browser = await launchBrowser()
for (const colorScheme of ['light', 'dark'] as const) {
  const page = await browser.newPage({ ...PERSON, colorScheme, viewport: VIEW })
  await page.clock.setFixedTime(NOW)
  await page.goto(server.url)
  await page.getByRole('button', { name: 'home' }).click()
  await page.mouse.move(0, 0)
  await page.getByText('Why home is limited').waitFor()
  await page.screenshot({ path: `${FOLDER}page-${colorScheme}.png` })
  await page.close()
}
await browser.close()
await server.close()
