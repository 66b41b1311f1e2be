import { afterEach, describe, expect, it } from 'vitest'
import { startBrowser } from '../../src/login/browser.ts'
import { startDeviceCode } from '../../src/login/device-code.ts'
import type { LoginResult } from '../../src/login/result.ts'
import { saveLogin } from '../../src/login/save.ts'
import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import type { AccountSpec } from '../fake/accounts.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import type { Fake } from '../fake/fake.ts'
import { createFakeOpenAI } from '../fake/openai.ts'
import { partsOf } from './begin.ts'

const EMAIL = 'one@example.test'
const known = { email: EMAIL, accountId: 'a-1', userId: 'u-1' }
/** Whoever signs in, in this order; all with the same e-mail. */
const PEOPLE: readonly AccountSpec[] = [
  { ...known, name: 'first' },
  { ...known, name: 'otherSeat', userId: 'u-2' },
  { ...known, name: 'otherAccount', accountId: 'a-2' },
  { ...known, name: 'again' },
]

let fake: Fake | undefined
afterEach(() => fake?.close())

/** Signs in by the method that needs no fixed port. */
async function signIn(at: Fake, name: string): Promise<LoginResult> {
  at.loginAs(name)
  const parts = partsOf(at)
  for (const method of parts.provider.login.methods) {
    if (method.kind === 'browser' && method.port === 0) {
      const login = await startBrowser(method, parts)
      if (!login.ok) return login
      await fetch(login.url)
      return login.finish()
    }
    if (method.kind === 'deviceCode') {
      const login = await startDeviceCode(method, parts)
      at.approveDevices()
      return login.ok ? login.finish() : login
    }
  }
  throw new Error('It has no such method.')
}

describe.each([
  ['Anthropic', createFakeAnthropic],
  ['OpenAI', createFakeOpenAI],
])('a login at %s', (_name, createFake) => {
  it('repairs the account of the same person and seat, and adds every other one', async () => {
    fake = await createFake({ accounts: PEOPLE })
    const place = createMemoryPlace()
    const saved: unknown[] = []
    for (const { name } of PEOPLE) {
      const result = await signIn(fake, name)
      if (!result.ok) throw new Error(result.message)
      saved.push(await saveLogin(createMemoryStore(place), result.login, Date.now))
    }
    expect(saved).toMatchObject([
      { isNew: true, label: EMAIL },
      { isNew: true, label: `${EMAIL} (2)` },
      { isNew: true, label: `${EMAIL} (3)` },
      { isNew: false, label: EMAIL },
    ])
    const { accounts } = place.document
    expect(accounts.map(({ tokenVersion }) => tokenVersion)).toEqual([1, 0, 0])
    expect(accounts.map(({ accountId }) => accountId)).toEqual(['a-1', 'a-1', 'a-2'])
    expect(accounts.map(({ email }) => email)).toEqual([EMAIL, EMAIL, EMAIL])
    for (const { planTier } of accounts) expect(planTier).not.toBe('')
    expect(accounts[0]?.refreshToken.reveal()).toBe(fake.account('again').tokens().refreshToken)
  })
})
