/**
 * A pool on an accounts file. `ask N` sends N requests at once and prints how many were answered;
 * `loop` goes on asking, four at a time, and writes down which tokens it sees in the file; `status`
 * prints how the first account stands.
 */
import { createInterface } from 'node:readline'
import { createAccountPool } from '../../../src/account-pool.ts'
import { appendEvent } from '../history.ts'
import { hashOf, storedAccounts } from '../tokens.ts'
import { ask, settingsOf } from './request.ts'

const [file = '', origin = '', name = '', history = ''] = process.argv.slice(2)
const pool = createAccountPool({
  provider: 'anthropic',
  file,
  settings: settingsOf(origin),
  // So that the provider can tell who spends.
  fetch: async (url, init) => {
    const headers = new Headers(init.headers)
    headers.set('x-client', name)
    return fetch(url, { ...init, headers })
  },
})
await pool.ready
console.log('ready')

for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ')
  if (command === 'ask') {
    const answers = await Promise.all(Array.from({ length: Number(count) }, () => ask(pool.fetch)))
    console.log(answers.filter((status) => status === 200).length)
  }
  if (command === 'loop') {
    for (let parallel = 1; parallel <= 4; parallel++) void loop()
    if (history !== '') void note()
  }
  if (command === 'status') {
    const [account] = pool.status().accounts
    console.log(JSON.stringify([account?.state, account?.disabledReason ?? '', account?.why]))
  }
}
// Its runner has ended.
process.exit()

async function loop(): Promise<never> {
  for (;;) {
    await ask(pool.fetch).catch(() => 0)
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60))
  }
}

async function note(): Promise<never> {
  const last = new Map<string, string>()
  for (;;) {
    for (const { label = '', refreshToken, tokenVersion } of storedAccounts(file)) {
      const token = hashOf(refreshToken.reveal())
      if (last.get(label) === token) continue
      last.set(label, token)
      appendEvent(history, { kind: 'seen', account: label, version: tokenVersion, token })
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
