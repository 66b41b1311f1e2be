/** Holds a lease for `account` in the claims file, prints `held`, and waits to be killed. */
import { createFileClaims } from '../../../src/store/file-claims.ts'

const [file = '', account = ''] = process.argv.slice(2)
const store = createFileClaims({ file, now: Date.now })
const outcome = await store.write([{ account, inFlight: 1 }])
console.log(outcome.ok ? 'held' : outcome.detail)
setInterval(() => {}, 60_000)
