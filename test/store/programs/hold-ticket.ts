import { createFileJournal } from '../../../src/store/file-journal.ts'
import { TOKEN } from '../../contract/spent-token.ts'

/** Claims the right to spend the token, says so, and never does; `sent`: as if it had. */
const [folder = '', sent] = process.argv.slice(2)
const journal = createFileJournal(folder)
const claimed = await journal.claim(TOKEN)
if (sent !== undefined) await journal.markSent(TOKEN)
process.stdout.write(`${claimed.kind}\n`)
setInterval(() => {}, 60_000)
