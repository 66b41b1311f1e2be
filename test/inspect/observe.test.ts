import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { describe, expect, it, vi } from 'vitest'
import { newFacts } from '../../machines/facts.ts'
import { poolMachine } from '../../machines/pool.ts'
import { refreshMachine } from '../../machines/refresh.ts'
import { MARK } from '../../src/inspect/allow.ts'
import { WIRE_VERSION } from '../../src/inspect/messages.ts'
import { observe } from '../../src/inspect/observe.ts'
import { createClock } from '../../src/pool/clock.ts'
import type { Inspectable, Observer } from '../../src/pool/inspection.ts'
import { supervise } from '../../src/pool/supervision.ts'
import { realWorld } from '../../src/world.ts'
import { NOBODY_HEARS, QUIET_INPUT } from './quiet.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000

describe('what the machines do', () => {
  it('is told to whoever listens: first what there is, then what happens', async () => {
    const { machine, heard, listen } = start(['a', 'b'])
    listen()
    expect(heard().map(({ type, name }) => [type, name])).toEqual([
      ['@xstate.actor', 'pool'],
      ['@xstate.snapshot', undefined],
      ['@xstate.actor', 'account:a'],
      ['@xstate.snapshot', undefined],
      ['@xstate.actor', 'account:b'],
      ['@xstate.snapshot', undefined],
    ])
    const [pool, , a] = heard()
    expect(pool).toMatchObject({ rootId: pool?.sessionId, id: null, _version: WIRE_VERSION })
    expect(a).toMatchObject({ parentId: pool?.sessionId, rootId: pool?.sessionId })
    expect(a?.snapshot).toMatchObject({
      status: 'active',
      value: { availability: 'active', token: 'idle' },
      context: { facts: { id: 'a', label: 'a', limits: [] } },
    })
    expect(JSON.parse(a?.definition ?? '')).toMatchObject({
      id: 'account',
      states: { availability: { initial: 'resolving', states: { rateLimited: {} } } },
    })

    heard().length = 0
    machine.send({ type: 'account.told', id: 'a', event: limited() })
    await vi.waitFor(() => expect(heard()).not.toEqual([]))
    const told = heard().filter(({ sessionId }) => sessionId === a?.sessionId)
    expect(told.map(({ type, event }) => [type, event?.type])).toEqual([
      ['@xstate.event', 'request.limited'],
      ['@xstate.snapshot', 'request.limited'],
    ])
    expect(told.at(-1)?.snapshot?.value).toEqual({ availability: 'rateLimited', token: 'idle' })
    expect(told.map(({ createdAt }) => createdAt)).toEqual([String(NOW), String(NOW)])
  })

  it('is told of renewals, from their start to their end, and of no step of them', async () => {
    const { machine, heard, listen } = start(['a'], {
      refresh: refreshMachine.provide({ actors: {} }),
    })
    listen()
    heard().length = 0
    machine.send({ type: 'token.wanted', id: 'a' })
    await vi.waitFor(() =>
      expect(heard().some(({ event }) => event?.type === 'refresh.settled')).toBe(true),
    )
    const names = heard().flatMap(({ type, name }) => (type === '@xstate.actor' ? [name] : []))
    expect(names).toEqual(['refresh:a'])
    const run = heard().find(({ name }) => name === 'refresh:a')
    const states = heard().flatMap(({ type, sessionId, snapshot }) =>
      type === '@xstate.snapshot' && sessionId === run?.sessionId ? [snapshot?.value] : [],
    )
    expect(states).toEqual(['rereading', 'settled'])
  })

  it('goes on after the pool machine was started again', async () => {
    const { machine, heard, listen } = start(['a'], { throwsOn: 'a' })
    listen()
    const [first] = heard()
    heard().length = 0
    machine.send({ type: 'account.told', id: 'a', event: { type: 'user.disabled' } })
    await vi.waitFor(() => expect(heard().some(({ name }) => name === 'account:a')).toBe(true))
    const root = heard().find(({ name }) => name === 'pool')
    expect(root?.sessionId).not.toBe(first?.sessionId)
  })

  it('is looked at only while somebody listens', () => {
    const { machine, observers, listen } = start(['a'])
    expect(observers()).toBe(0)
    const stops = [listen(), listen()]
    expect(observers()).toBe(1)
    stops[0]?.()
    expect(observers()).toBe(1)
    stops[1]?.()
    expect(observers()).toBe(0)
    machine.send({ type: 'account.told', id: 'a', event: limited() })
  })

  it('shows no text that is not of the shape expected, and no field that is not allowed', () => {
    const { machine, text, listen } = start(['a'])
    const evil = 'canary-at-evil-00ff00ff00ff00ff00'
    machine.send({
      type: 'account.told',
      id: 'a',
      event: { type: 'request.refused', reason: 'billing', detail: evil, mayDisable: true },
    })
    const facts = newFacts(evil, { label: evil, plan: evil, disabledDetail: evil })
    const window = { scope: { family: evil }, window: evil, source: 'body', observedAt: 0 } as const
    machine.send({
      type: 'store.changed',
      accounts: [
        newFacts('a', { label: 'ann@example.com' }),
        { ...facts, limits: [{ ...window, until: NOW + HOUR }] },
      ],
    })
    machine.send({ type: 'store.failed', problem: evil })
    listen()
    machine.send({ type: 'account.told', id: evil, event: { type: 'user.disabled' } })
    machine.send({ type: 'store.failed', problem: evil })
    return vi.waitFor(() => {
      expect(text()).toContain('store.failed')
      expect(text()).toContain(MARK)
      expect(text()).not.toContain('canary')
      expect(text()).not.toContain('example.com')
    })
  })

  it('harms nobody when looking at it fails: it is told once, and nobody looks any more', async () => {
    const said: string[] = []
    let isBroken = false
    const { machine, observers, listen } = start(['a'], {
      now: () => {
        if (isBroken) throw new Error('a fault of ours')
        return NOW
      },
      log: (message) => said.push(message),
    })
    listen()
    isBroken = true
    for (let times = 0; times < 3; times++) {
      expect(
        machine.send({ type: 'account.told', id: 'a', event: { type: 'user.disabled' } }),
      ).toBe(true)
    }
    expect(machine.views()['a']?.state).toBe('disabled')
    expect(said).toEqual([expect.stringContaining('a fault of ours')])
    expect(observers()).toBe(0)
    isBroken = false
    listen()
    expect(observers()).toBe(0)
  })

  it('speaks the version of the protocol that the installed inspector speaks', () => {
    const entry = createRequire(import.meta.url).resolve('xstate')
    const modules = entry.slice(0, entry.lastIndexOf('node_modules') + 'node_modules'.length)
    const file = join(modules, '@statelyai', 'inspect', 'package.json')
    expect(dirname(file)).toContain('inspect')
    const { version } = v.parse(
      v.object({ version: v.string() }),
      JSON.parse(readFileSync(file, 'utf8')),
    )
    expect(WIRE_VERSION).toBe(version)
  })
})

const message = v.object({
  type: v.string(),
  sessionId: v.string(),
  rootId: v.string(),
  createdAt: v.string(),
  id: v.null(),
  _version: v.string(),
  name: v.optional(v.string()),
  parentId: v.optional(v.string()),
  definition: v.optional(v.string()),
  event: v.optional(v.looseObject({ type: v.string() })),
  snapshot: v.optional(v.looseObject({ value: v.unknown(), context: v.unknown() })),
})

interface StartOptions {
  readonly throwsOn?: string
  readonly refresh?: typeof refreshMachine
  readonly now?: () => number
  readonly log?: (message: string) => void
}

function start(
  ids: readonly string[],
  { throwsOn, refresh = refreshMachine, now = () => NOW, log = () => {} }: StartOptions = {},
) {
  const world = realWorld(() => {})
  const machine = supervise({
    machine: poolMachine.provide({
      actors: { refresh },
      guards: {
        isKnown: (_, { id }) => {
          if (id === throwsOn) throw new Error('a fault of ours')
          return true
        },
      },
    }),
    clock: createClock(world),
    input: { ...QUIET_INPUT, now: () => NOW },
    heard: NOBODY_HEARS,
  })
  machine.send({ type: 'store.changed', accounts: ids.map((id) => newFacts(id)) })
  let looking = 0
  const counted: Inspectable = {
    root: machine.root,
    inspect(observer: Observer) {
      looking += 1
      const stop = machine.inspect(observer)
      return () => {
        looking -= 1
        stop()
      }
    },
  }
  const observation = observe([counted], { now, log: (_level, said) => log(said) })
  const texts: string[] = []
  const parsed: v.InferOutput<typeof message>[] = []
  return {
    machine,
    observers: () => looking,
    listen: () =>
      observation.listen((messages) => {
        texts.push(...messages)
        parsed.push(...messages.map((each) => v.parse(message, JSON.parse(each))))
      }),
    /** Emptied by whoever wants to hear only what comes next. */
    heard: () => parsed,
    text: () => texts.join('\n'),
  }
}

function limited() {
  const limit = {
    scope: 'account',
    window: 'session',
    until: NOW + HOUR,
    source: 'header',
  } as const
  return { type: 'request.limited', limits: [{ ...limit, observedAt: NOW }] } as const
}
