import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Fake } from '../fake/fake.ts'
import { bodyOf, requestOf } from '../request/open-pool.ts'

/** Requests for a program to send: each with a fake and an accounts file of its own. */
export function createCases() {
  const opened: (() => Promise<unknown>)[] = []
  let folder: Promise<string> | undefined
  let count = 0

  async function createFolder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'rota-fault-'))
    opened.push(() => rm(path, { recursive: true, force: true }))
    return path
  }

  return {
    folder: () => (folder ??= createFolder()),
    /** The accounts stand in the file before `arrange` changes anything. */
    async add(fake: Fake, arrange: (fake: Fake) => void | Promise<void> = () => undefined) {
      opened.push(fake.close)
      const file = join(await (folder ??= createFolder()), String(count++), 'accounts.json')
      await mkdir(dirname(file))
      await writeFile(file, JSON.stringify(fake.seed()), { mode: 0o600 })
      await arrange(fake)
      const [url, { headers }] = requestOf(fake, 'conversation-1')
      const text = JSON.stringify({ ...bodyOf(fake), stream: true })
      return { provider: fake.id, endpoints: fake.endpoints, file, url, headers, text }
    },
    async close() {
      folder = undefined
      await Promise.all(opened.splice(0).map((close) => close()))
    },
  }
}
