import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ANSWERS, CALLS_TOOL, LIMITED_UNTIL, SLOW } from '../fake/behaviors.ts'
import type { Fake } from '../fake/fake.ts'
import { ENTRY } from './built.ts'
import { type Home, createHome } from './host/home.ts'
import { MODELS } from './host/models.ts'
import { type HostServer, startServer } from './host/serve.ts'

const HOUR = 3_600_000
/** The host starts, reads its models and answers: seconds, on a busy machine more. */
const HOST_MS = 60_000

/** What a person sees of the pool in OpenCode; the same for both providers. */
export function describeRequests(name: string, createFake: () => Promise<Fake>): void {
  describe(`OpenCode through the pool (${name})`, { timeout: HOST_MS }, () => {
    let fake: Fake
    let home: Home
    let server: HostServer
    let seen = 0

    beforeAll(async () => {
      fake = await createFake()
      home = await createHome({ fakes: [fake], plugins: [ENTRY] })
      server = await startServer(home)
    }, HOST_MS)

    beforeEach(() => {
      for (const account of fake.accounts()) account.behave(ANSWERS)
      seen = fake.modelRequests().length
    })

    afterAll(async () => {
      await server.stop()
      await fake.close()
      await home.remove()
    })

    const ask = (session: string, prompt = 'hello') =>
      server.prompt(session, { prompt, model: MODELS[fake.id] })
    const asked = () => fake.modelRequests().slice(seen)
    const accounts = () => asked().map(({ account }) => account)

    it('answers two prompts of one session with one account', async () => {
      const session = await server.createSession()
      expect((await ask(session)).text).toBe('answered by first')
      expect((await ask(session)).text).toBe('answered by first')
      expect(new Set(asked().map((request) => request.session)).size).toBe(1)
    })

    it('ends a 429 on the first account in the streamed answer of the second', async () => {
      fake.account('first').behave(LIMITED_UNTIL(Date.now() + HOUR))
      const { text, error } = await ask(await server.createSession())
      expect([text, error]).toEqual(['answered by second', undefined])
      expect(asked().map(({ account, status }) => [account, status])).toEqual([
        ['first', 429],
        ['second', 200],
      ])
      expect(JSON.parse(asked().at(-1)?.bodyText ?? '{}')).toMatchObject({ stream: true })
      const toast = await server.waitForEvent(({ type }) => type === 'tui.toast.show')
      expect(toast.properties).toMatchObject({
        variant: 'warning',
        message: expect.stringMatching(
          /^first: its 5-hour window is used up; back (at|on) .*\. Going on with second\.$/,
        ),
      })
    })

    it('still knows who is limited after the project was closed and opened again', async () => {
      await server.dispose()
      expect((await ask(await server.createSession())).text).toBe('answered by second')
      expect(accounts()).toEqual(['second'])
    })

    it('serves a second session that runs at the same time elsewhere', async () => {
      for (const account of fake.accounts()) account.behave(SLOW(1_500))
      const sessions = await Promise.all([server.createSession('one'), server.createSession('two')])
      await Promise.all(sessions.map((session) => ask(session)))
      expect(new Set(accounts()).size).toBe(2)
    })

    it('recognises the request of a subagent and serves it at its parent’s home', async () => {
      const input = { description: 'look', prompt: 'look around', subagent_type: 'general' }
      for (const account of fake.accounts()) account.behave(CALLS_TOOL('task', input, 'all done'))
      const session = await server.createSession()
      expect((await ask(session, 'delegate this')).text).toContain('all done')
      const child = asked().find(({ parent }) => parent === session)
      expect(child?.session).not.toBe(session)
      expect(new Set(accounts()).size).toBe(1)
    })

    it('says so clearly when all are limited, and asks each account once however often the host retries', async () => {
      for (const account of fake.accounts()) {
        account.behave(LIMITED_UNTIL(Date.now() + HOUR, { window: 'weekly' }))
      }
      const { error } = await ask(await server.createSession())
      expect(error).toMatch(/^All 3 \w+ accounts are limited\. First back: \w+ at /)
      const shown = server.events.filter((event) => JSON.stringify(event).includes('First back'))
      // The host asked six times; the first account is limited since an earlier test.
      expect(shown.length).toBeGreaterThanOrEqual(5)
      expect(accounts().toSorted((left = '', right = '') => left.localeCompare(right))).toEqual([
        'second',
        'third',
      ])
    })

    it('prints nothing of its own, and no token reaches the log', async () => {
      expect(server.stderr()).toBe('')
      expect(server.stdout()).not.toMatch(/rota|multiauth/)
      const log = (await home.read(home.logFile)) ?? ''
      expect(log).toContain('multiauth: first: active → rateLimited')
      for (const canary of fake.canaries()) expect(log).not.toContain(canary)
    })
  })
}
