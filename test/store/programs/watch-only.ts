/** Watches `file` and does nothing else: it must end by itself. */
import { createFileStore } from '../../../src/store/file.ts'

const [file = ''] = process.argv.slice(2)
createFileStore({ file, now: Date.now }).watch(() => console.log('changed'))
// Long enough for chokidar to be loaded and at work.
setTimeout(() => console.log('done'), 300)
