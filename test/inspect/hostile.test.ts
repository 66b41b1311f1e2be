import { expect, it, onTestFinished } from 'vitest'
import { findSecret } from '../canary/forms.ts'
import { createFakeAnthropic } from '../fake/anthropic.ts'
import { LIMITED_UNTIL, REPLIES, UNAUTHORIZED_ONCE } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { openPool } from '../request/open-pool.ts'
import { pictureOf, soon, watchStream } from './stream.ts'

const HOUR = 3_600_000
const EVIL = '<img src=x onerror=alert(1)>\u001b[31m\u202e\r\n\r\ndata: {}'
const TOKEN = `sk-ant-oat01-${'aB3'.repeat(30)}`

it('sends no secret with everything on, whatever stands in the accounts and is answered', async () => {
  const fake = await createFakeAnthropic({ accounts: ['plain', 'hostile', 'third', 'fourth'] })
  const pool = await openPool(
    fake,
    { max_consecutive_auth_failures: 1 },
    { inspect: true, seed: hostileSeed(fake) },
  )
  onTestFinished(async () => {
    await pool.close()
    await fake.close()
  })
  const url = (await pool.inspector) ?? ''
  const events = await watchStream(`${url}events`)
  const messages = await watchStream(`${url}inspect`)
  await soon(() => expect(messages.text()).toContain('"name":"claims"'))
  const [plain = '', ...others] = fake.canaries()
  expect(plain + others.join()).toContain('canary-')

  fake.account('plain').behave(UNAUTHORIZED_ONCE)
  await pool.ask('renews')
  await soon(() => expect(messages.text()).toContain('token.refreshed'))
  for (const name of ['plain', 'hostile', 'third']) {
    const message = `Bearer ${fake.canaries().join(' ')} ${TOKEN} ${EVIL}`
    const refusal = { type: 'error', error: { type: 'permission_error', message } }
    fake.account(name).behave(REPLIES(403, JSON.stringify(refusal)))
  }
  fake.account('fourth').behave(LIMITED_UNTIL(Date.now() + HOUR))
  for (let each = 0; each < 5; each++) await pool.ask(`talk <img> ${TOKEN} ${each}`)
  await soon(() => expect(messages.text()).toContain('request.limited'))
  await soon(() => expect(pictureOf(events).pools[0]?.timeline.length).toBeGreaterThan(5))

  const late = await watchStream(`${url}inspect`)
  await soon(() => expect(late.text()).toContain('"name":"claims"'))
  const pages = await Promise.all(['', 'stately'].map(async (at) => (await fetch(url + at)).text()))
  const sent = [events.text(), messages.text(), late.text(), ...pages].join('\n')
  expect(findSecret(sent)).toBe(undefined)
  expect(sent).not.toContain(TOKEN)
  for (const mark of ['\u001b', '\u202e', '\\u001b', '\\u202e']) expect(sent).not.toContain(mark)
  // Whatever a text held, it began no event and no line of its own.
  for (const stream of [events, messages, late]) {
    expect(stream.text()).not.toMatch(/^data: \{\}/m)
    for (const text of stream.events()) expect(() => void JSON.parse(text)).not.toThrow()
  }
  expect(messages.text() + late.text()).not.toMatch(/onerror|@example|mail/)
})

/** What another program, or a person, may have written into the file. */
function hostileSeed(fake: Fake) {
  const { accounts, ...document } = fake.seed()
  const [token = ''] = fake.canaries()
  const limit = {
    scope: { family: 'opus', [token]: token },
    window: 'weekly:opus',
    until: Date.now() + HOUR,
    source: 'header',
    observedAt: Date.now(),
    token,
  }
  const usage = { utilization: 5, resets_at: null, token }
  return {
    ...document,
    accounts: accounts.map((account, index) =>
      index === 0
        ? account
        : {
            ...account,
            ...(index === 1 ? { uuid: `${EVIL} ${TOKEN}` } : {}),
            label: `${EVIL} ${TOKEN} ${index}`,
            planTier: `${EVIL} ${TOKEN}`,
            authDisabledReason: `${EVIL} ${TOKEN}`,
            disabledDetail: `${EVIL} ${TOKEN}`,
            limits: [limit],
            cachedUsage: { five_hour: usage, [token]: usage },
            cachedUsageAt: Date.now(),
            token,
          },
    ),
  }
}
