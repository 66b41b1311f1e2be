import { describe, expect, it } from 'vitest'
import { statusMarkdown, whyMarkdown } from '../../src/host/tools/markdown.ts'
import { createDecisions } from '../../src/pool/decisions.ts'
import type { AccountStatus } from '../../src/pool/status.ts'

const NOW = new Date('2026-11-21T12:00:00').getTime()
const HOUR = 3_600_000

describe('the status tool', () => {
  it('shows every account with plan, state, limits and usage', () => {
    const accounts = [
      account('work', {
        active: true,
        plan: 'Claude Max',
        usage: [
          { window: 'session', usedPercent: 42, resetsAt: NOW + 2 * HOUR },
          { window: 'weekly', usedPercent: 97.4, resetsAt: NOW + 50 * HOUR },
          { window: '24h', usedPercent: 3, resetsAt: NOW - 1 },
        ],
        limits: [
          {
            scope: { family: 'opus' },
            window: 'weekly:opus',
            until: NOW + HOUR,
            source: 'header',
            observedAt: NOW,
          },
        ],
        inFlight: 2,
        usedElsewhere: 1,
        lastUsedAt: NOW - 3 * 60_000,
      }),
      account('home', {
        plan: 'Claude Pro',
        state: 'rateLimited',
        why: 'its 5-hour window is used up',
        backAt: NOW + HOUR,
      }),
      account('old', { state: 'disabled', why: 'it needs a new login: refused' }),
    ]
    const said = statusMarkdown('Anthropic', { provider: 'anthropic', problem: '', accounts }, NOW)
    expect(said).toMatchInlineSnapshot(`
      "**3 Anthropic accounts**

      - **work** (in use), Claude Max: active
        - 5-hour window: ████░░░░░░ 42 % used, resets at 02:00 PM
        - weekly window: █████████░ 97 % used, resets on Mon, Nov 23 at 02:00 PM
        - 24h window: was reset since it was read
        - weekly window for opus: used up, back at 01:00 PM
        - 2 in flight, 1 in other OpenCode processes, last used 3 min ago
      - **home**, Claude Pro: rateLimited, back at 01:00 PM
        - its 5-hour window is used up
      - **old**: disabled
        - it needs a new login: refused"
    `)
    for (const line of said.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })

  it('says what to do where there is no account, or no file to read them from', () => {
    const empty = { provider: 'openai', problem: '', accounts: [] }
    expect(statusMarkdown('OpenAI', empty, NOW)).toContain('run "opencode auth login"')
    const broken = { ...empty, problem: 'accounts.json is a folder.' }
    expect(statusMarkdown('OpenAI', broken, NOW)).toBe(
      'The OpenAI accounts cannot be used: accounts.json is a folder.',
    )
  })

  it('lets no name be read as Markdown', () => {
    const accounts = [account('**a**[x](http://evil)`<b>|_#'), account('b')]
    const said = statusMarkdown('OpenAI', { provider: 'openai', problem: '', accounts }, NOW)
    expect(said).toContain('**\\*\\*a\\*\\*\\[x\\](http://evil)\\`\\<b\\>\\|\\_\\#**')
  })
})

describe('the why tool', () => {
  it('tells the last decisions with their reasons, and no more than were kept', () => {
    let now = NOW
    const decisions = createDecisions(() => now)
    expect(whyMarkdown('OpenAI', decisions.recent())).toContain('Nothing has happened')
    for (let count = 0; count < 100; count++) {
      now += 1_000
      decisions.note({
        type: 'request.assigned',
        account: 'a',
        label: `a_${count}`,
        reason: 'home',
        conversation: 'one',
        isSubagent: false,
        after: undefined,
      })
    }
    const lines = whyMarkdown('OpenAI', decisions.recent()).split('\n')
    expect(lines).toHaveLength(62)
    expect(lines.at(-1)).toBe('- 12:01:40 PM a\\_99 gets the request: home of this conversation')
  })
})

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
