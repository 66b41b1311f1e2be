/** Adds `count` accounts to `file`, one update each. Prints how many updates were acknowledged. */
import { secret } from '../../../src/secret.ts'
import { EMPTY_DOCUMENT, parseDocument } from '../../../src/store/document.ts'
import { createFileStore } from '../../../src/store/file.ts'

const [file = '', name = '', count = '0'] = process.argv.slice(2)
const store = createFileStore({ file, now: Date.now })
const model = parseDocument('{"version":1,"accounts":[{"uuid":"x","refreshToken":"x"}]}')
const [example] = (model.ok ? model.document : EMPTY_DOCUMENT).accounts
if (example === undefined) throw new Error('no example')
let acknowledged = 0
for (let index = 0; index < Number(count); index++) {
  const added = {
    ...example,
    uuid: `${name}-${index}`,
    refreshToken: secret(`rt-${name}-${index}`),
  }
  const result = await store.update((document) => ({
    ...document,
    accounts: [...document.accounts, added],
  }))
  if (result.ok) acknowledged += 1
  else console.error(result.problem.message)
}
console.log(acknowledged)
await store.dispose()
