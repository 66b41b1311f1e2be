import { describe, expect, it } from 'vitest'
import { plain } from '../../src/host/tools/markdown.ts'
import { statusMarkdown } from '../../src/host/tools/status-markdown.ts'
import { whyMarkdown } from '../../src/host/tools/why-markdown.ts'
import type { Recent } from '../../src/pool/decisions.ts'
import type { PoolNews } from '../../src/pool/events.ts'
import type { AccountStatus } from '../../src/pool/status.ts'

const NOW = new Date('2026-11-21T12:00:00').getTime()
const HOUR = 3_600_000
const MINUTE = 60_000

describe('the status tool', () => {
  it('shows every account with plan, state, limits and usage', () => {
    const work = account('work', {
      active: true,
      plan: 'Claude Max',
      usage: [
        { window: 'session', usedPercent: 42, resetsAt: NOW + 2 * HOUR },
        { window: 'weekly', usedPercent: 97.4, resetsAt: NOW + 50 * HOUR },
        { window: '24h', usedPercent: 3, resetsAt: NOW - 1 },
      ],
      usageReadAt: NOW - 12 * MINUTE,
      limits: [limit('weekly:opus', HOUR, { family: 'opus' }), limit('session', -1)],
      inFlight: 2,
      usedElsewhere: 1,
      lastUsedAt: NOW - 3 * MINUTE,
    })
    const home = account('home', {
      plan: 'Claude Pro',
      state: 'rateLimited',
      why: 'its weekly window is used up',
      backAt: NOW + 50 * HOUR,
      limits: [limit('weekly', 50 * HOUR), limit('session', HOUR)],
    })
    const old = account('old', {
      state: 'disabled',
      disabledReason: 'revoked',
      why: 'it needs a new login: refused',
    })
    const { title, text } = status([work, home, old])
    expect(title).toBe('3 accounts, 1 ready')
    expect(text).toMatchInlineSnapshot(`
      "**3 Anthropic accounts**, 1 ready

      - **work** (in use), Claude Max: ready
        - 5-hour window: ████░░░░░░ 42 % used, resets at 02:00 PM
        - weekly window: █████████░ 97 % used, resets on Mon, Nov 23 at 02:00 PM
        - 24h window: was reset since it was read
        - its weekly window for opus is used up, back at 01:00 PM
        - usage read 12 min ago, 2 in flight, 1 in other OpenCode processes, last used 3 min ago
      - **home**, Claude Pro: limited, back on Mon, Nov 23 at 02:00 PM
        - its weekly window is used up
        - its 5-hour window is used up, back at 01:00 PM
      - **old**: login needed
        - it needs a new login: refused"
    `)
  })

  it('says what to do where there is no account, or no file to read them from', () => {
    expect(status([]).text).toBe(
      'No Anthropic account is signed in: run "opencode auth login" and choose Anthropic.',
    )
    const problem = 'accounts.json is a folder.'
    expect(status([], problem).text).toBe('The Anthropic accounts cannot be used: ' + problem)
  })

  it('shows the accounts that are still served when their file cannot be read any more', () => {
    const { text } = status([account('work')], 'accounts.json is a folder.')
    expect(text.split('\n').slice(2)).toEqual([
      'accounts.json is a folder. So they were when last read:',
      '',
      '- **work**: ready',
    ])
  })

  it('shows 40 accounts, one after the other, in lines that a terminal of 80 columns takes', () => {
    const usage = [{ window: 'weekly', usedPercent: 250, resetsAt: NOW + 50 * HOUR }]
    const names = Array.from({ length: 40 }, (_, index) => `person_${index}@some.example.com`)
    const { text } = status(names.map((name) => account(name, { plan: 'Claude Max', usage })))
    const lines = text.split('\n')
    expect(lines.filter((line) => line.startsWith('- '))).toEqual(
      names.map((name) => `- **${name}**, Claude Max: ready`),
    )
    // OpenCode's screen keeps five columns for itself.
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(75)
  })

  it('lets no name be read as Markdown, and leaves an address as it is', () => {
    const { text } = status([account('**a**[x](y)`<b>|_#~&lt;\\')])
    expect(text).toContain(String.raw`- **\*\*a\*\*\[x\](y)\`\<b\>\|\_#\~\&lt;\\**: ready`)
    expect(plain('an_na_b@example.com & co')).toBe('an_na_b@example.com & co')
  })
})

describe('the why tool', () => {
  it('tells first of the conversation that asks, then of the others and of the accounts', () => {
    const { title, text } = why({
      requests: [
        assigned('work', 'ses_conversation_1', { at: 0 }),
        assigned('home', 'ses_conversation_2', { at: 1 }),
        ...[2, 3, 4].map((at) => assigned('work', 'ses_conversation_1', { at })),
        decision(5, {
          type: 'request.refused',
          account: 'work',
          label: 'work',
          status: 429,
          why: 'its 5-hour window is used up',
          conversation: 'ses_conversation_1',
          isSubagent: false,
        }),
        assigned('home', 'ses_conversation_1', { at: 6, after: 'work' }),
        assigned('home', 'ses_conversation_3', { at: 7, isSubagent: true }),
      ],
      changes: [
        decision(-24 * 3_600, { type: 'token.renewed', account: 'home', label: 'home' }),
        decision(5, {
          type: 'account.changed',
          account: 'work',
          label: 'work',
          from: 'active',
          to: 'rateLimited',
          why: 'its 5-hour window is used up',
          backAt: NOW + HOUR,
          disabledReason: null,
          kind: 'subscription',
        }),
      ],
    })
    expect(title).toBe('6 requests')
    expect(text).toMatchInlineSnapshot(`
      "**Why requests went to which Anthropic account** (since this OpenCode started)

      This conversation

      - 12:00:04 PM work gets the request: home of this conversation (4 times since 12:00:00 PM)
      - 12:00:05 PM work did not serve (429): its 5-hour window is used up
      - 12:00:06 PM moved from work to home: home of this conversation

      Subagent …tion_3

      - 12:00:07 PM home gets the request: home of this conversation

      Conversation …tion_2

      - 12:00:01 PM home gets the request: home of this conversation

      Accounts

      - Nov 20 12:00:00 PM home: token renewed
      - 12:00:05 PM work: active → rateLimited (its 5-hour window is used up, back at 01:00:00 PM)"
    `)
  })

  it('says that nothing happened, and lets no name be read as Markdown', () => {
    expect(why({ requests: [], changes: [] }).text).toBe(
      'No request has gone to an Anthropic account since this OpenCode started.',
    )
    const { text } = why({ requests: [assigned('*a*', '`_x_`', { at: 0 })], changes: [] })
    expect(text).toContain(String.raw`Conversation …\`\_x\_\``)
    expect(text).toContain(String.raw`PM \*a\* gets the request`)
  })
})

function status(accounts: readonly AccountStatus[], problem = '') {
  return statusMarkdown('Anthropic', { provider: 'anthropic', problem, accounts }, NOW)
}

function why(recent: Recent) {
  return whyMarkdown('Anthropic', recent, { conversation: 'ses_conversation_1', now: NOW })
}

/** `at`: seconds after noon. */
function assigned(
  label: string,
  conversation: string,
  { at, after, isSubagent = false }: { at: number; after?: string; isSubagent?: boolean },
) {
  return decision(at, {
    type: 'request.assigned',
    account: label,
    label,
    reason: 'home',
    conversation,
    isSubagent,
    after,
  })
}

function decision(seconds: number, news: PoolNews) {
  return { at: NOW + seconds * 1_000, news }
}

function limit(
  window: string,
  ms: number,
  scope: AccountStatus['limits'][number]['scope'] = 'account',
): AccountStatus['limits'][number] {
  return { scope, window, until: NOW + ms, source: 'header', observedAt: NOW }
}

function account(label: string, more: Partial<AccountStatus> = {}): AccountStatus {
  return {
    id: label,
    label,
    kind: 'subscription',
    plan: '',
    state: 'active',
    active: false,
    renewing: false,
    why: 'ready',
    backAt: undefined,
    disabledReason: undefined,
    limits: [],
    usage: [],
    usageReadAt: 0,
    inFlight: 0,
    usedElsewhere: 0,
    lastUsedAt: 0,
    ...more,
  }
}
