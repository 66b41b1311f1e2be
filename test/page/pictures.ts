import type { AccountPicture, Happening, Picture, PoolPicture } from '../../src/inspect/picture.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Monday 23 November 2026, 13:42:30 in Berlin. */
export const NOW = Date.UTC(2026, 10, 23, 12, 42, 30)

export function pictureOf(...pools: readonly PoolPicture[]): Picture {
  return { now: NOW, pid: 4711, pools }
}

export function poolOf(
  accounts: readonly AccountPicture[],
  more: Partial<PoolPicture> = {},
): PoolPicture {
  return {
    provider: 'anthropic',
    name: 'Claude',
    problem: '',
    accounts,
    timeline: [],
    processes: [],
    ...more,
  }
}

/** An account that is ready, unless it is told otherwise. */
export function accountOf(label: string, more: Partial<AccountPicture> = {}): AccountPicture {
  return {
    id: `id-of-${label}`,
    label,
    kind: 'subscription',
    plan: 'Claude Max',
    state: 'active',
    active: false,
    renewing: false,
    why: 'ready',
    backAt: undefined,
    disabledReason: undefined,
    limits: [],
    usage: [
      { window: 'session', usedPercent: 42, resetsAt: NOW + 2 * HOUR + 11 * MINUTE },
      { window: 'weekly', usedPercent: 31, resetsAt: NOW + 3 * DAY + 4 * HOUR },
    ],
    usageReadAt: NOW - MINUTE,
    inFlight: 0,
    usedElsewhere: 0,
    lastUsedAt: 0,
    since: NOW - 2 * HOUR,
    lastError: undefined,
    states: ['account.availability.active', 'account.token.idle'],
    ...more,
  }
}

/** Its 5-hour window is used up for another 22 minutes and 30 seconds. */
export function limitedOf(label: string, more: Partial<AccountPicture> = {}): AccountPicture {
  const backAt = NOW + 22 * MINUTE + 30 * SECOND
  return accountOf(label, {
    state: 'rateLimited',
    why: 'its 5-hour window is used up',
    backAt,
    limits: [
      {
        scope: 'account',
        window: 'session',
        until: backAt,
        source: 'header',
        observedAt: NOW - 8 * MINUTE,
      },
    ],
    usage: [
      { window: 'session', usedPercent: 100, resetsAt: backAt },
      { window: 'weekly', usedPercent: 76, resetsAt: NOW + 2 * DAY + 9 * HOUR },
      { window: 'weekly:opus', usedPercent: 12.5, resetsAt: NOW + 2 * DAY + 9 * HOUR },
    ],
    since: NOW - 8 * MINUTE,
    lastError: { at: NOW - 8 * MINUTE, words: 'its 5-hour window is used up (429)' },
    states: ['account.availability.rateLimited', 'account.token.idle'],
    ...more,
  })
}

/** One account in every state, two pools, a timeline, two processes. */
export function wholePicture(): Picture {
  const [work, home, club, study, old, lab] = [
    accountOf('work', {
      active: true,
      inFlight: 2,
      usedElsewhere: 1,
      lastUsedAt: NOW - 3 * SECOND,
    }),
    limitedOf('home', { plan: 'Claude Pro' }),
    accountOf('club', {
      state: 'cooling',
      why: 'its limit has ended; one request tries it first',
      backAt: NOW,
      since: NOW - 6 * SECOND,
      usage: [
        { window: 'session', usedPercent: 3, resetsAt: NOW + 4 * HOUR + 52 * MINUTE },
        { window: 'weekly', usedPercent: 88, resetsAt: NOW + 19 * HOUR },
      ],
      states: ['account.availability.cooling', 'account.token.idle'],
    }),
    accountOf('study@university.example', {
      state: 'authFailing',
      why: 'its token is refused (1 in a row)',
      backAt: NOW + 48 * SECOND,
      renewing: true,
      since: NOW - 12 * SECOND,
      usage: [],
      lastError: { at: NOW - 12 * SECOND, words: 'its token is refused (401)' },
      states: [
        'account.availability.authFailing',
        'account.availability.authFailing.asking',
        'account.token.refreshing',
        'refresh.exchanging',
      ],
    }),
    accountOf('old laptop', {
      plan: 'Claude Pro',
      state: 'disabled',
      disabledReason: 'revoked',
      why: 'it needs a new login: the provider says "invalid_grant"',
      since: NOW - 4 * DAY,
      usage: [],
      lastError: { at: NOW - 4 * DAY, words: 'the provider says "invalid_grant"' },
      states: ['account.availability.disabled', 'account.token.idle'],
    }),
    accountOf('lab key', {
      kind: 'apiKey',
      plan: '',
      state: 'disabled',
      disabledReason: 'user',
      why: 'switched off by you',
      since: 0,
      usage: [],
      states: ['account.availability.disabled', 'account.token.idle'],
    }),
  ]
  const claude = poolOf([work, home, club, study, old, lab], {
    timeline: CLAUDE_TIMELINE,
    processes: [
      { pid: 4711, isThis: true, accounts: [{ account: work.id, inFlight: 2 }] },
      {
        pid: 5120,
        isThis: false,
        accounts: [
          { account: work.id, inFlight: 1 },
          { account: club.id, inFlight: 0 },
        ],
      },
    ],
  })
  const chatgpt = poolOf([], { provider: 'openai', name: 'ChatGPT' })
  return pictureOf(claude, chatgpt)
}

const STUDY = 'study@university.example'

const CLAUDE_TIMELINE: readonly Happening[] = [
  happening(3, 'assigned', 'work', 'kept: home of this conversation'),
  happening(6, 'changed', 'club', 'back soon: its limit has ended; one request tries it first'),
  happening(11, 'assigned', 'work', 'kept: home of this conversation'),
  happening(
    12,
    'changed',
    STUDY,
    'failing: its token is refused (1 in a row), tried again at 13:43',
  ),
  happening(12, 'refused', STUDY, 'did not serve (401): its token is refused'),
  happening(64, 'assigned', 'work', 'chosen: home of the conversation that started this one'),
  happening(95, 'assigned', 'work', 'kept: home of this conversation'),
  happening(120, 'assigned', 'work', 'kept: home of this conversation'),
  happening(181, 'token', 'work', 'token renewed'),
  happening(480, 'moved', 'work', 'moved: 5-hour window of home is used up until 14:05'),
  happening(480, 'changed', 'home', 'limited: its 5-hour window is used up until 14:05'),
  happening(480, 'refused', 'home', 'did not serve (429): its 5-hour window is used up'),
  happening(481, 'assigned', 'home', 'kept: home of this conversation'),
  happening(530, 'assigned', 'home', 'kept: home of this conversation'),
  happening(1_905, 'waiting', undefined, 'all are limited: waiting for home until 13:11'),
]

function happening(
  secondsAgo: number,
  kind: Happening['kind'],
  label: string | undefined,
  words: string,
): Happening {
  return {
    at: NOW - secondsAgo * SECOND,
    kind,
    account: label === undefined ? undefined : `id-of-${label}`,
    label,
    words,
    conversation: 'ses_1',
  }
}
