import { secret } from '../../../src/secret.ts'
import { createFileJournal } from '../../../src/store/file-journal.ts'

/** Claims the right to spend a token, says so, and never does. */
const [folder = '', token = ''] = process.argv.slice(2)
const claimed = await createFileJournal(folder).claim(secret(token))
process.stdout.write(`${claimed.kind}\n`)
setInterval(() => {}, 60_000)
