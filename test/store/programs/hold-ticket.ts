import { secret } from '../../../src/secret.ts'
import { createFileJournal } from '../../../src/store/file-journal.ts'

/** Claims the right to spend a token, says so, and never does; `sent`: as if it had. */
const [folder = '', text = '', sent] = process.argv.slice(2)
const journal = createFileJournal(folder)
const token = secret(text)
const claimed = await journal.claim(token)
if (sent !== undefined) await journal.markSent(token)
process.stdout.write(`${claimed.kind}\n`)
setInterval(() => {}, 60_000)
