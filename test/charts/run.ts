/** Draws the machines: docs/machines/, and the pages that show a chart. */
import { mkdir, writeFile } from 'node:fs/promises'
import { ROOT, chartFiles } from './files.ts'

for (const folder of ['docs/machines/', 'src/page/charts/']) {
  await mkdir(new URL(folder, ROOT), { recursive: true })
}
for (const [path, text] of await chartFiles()) {
  await writeFile(new URL(path, ROOT), text)
  console.log(path)
}
