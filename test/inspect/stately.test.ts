import {
  type StatelyInspectionEvent,
  createBrowserReceiver,
  createInspector,
} from '@statelyai/inspect'
import { expect, it, vi } from 'vitest'
import { createActor } from 'xstate'
import { newFacts } from '../../machines/facts.ts'
import { poolMachine } from '../../machines/pool.ts'
import { isObject } from '../../src/inspect/allow.ts'
import { observe } from '../../src/inspect/observe.ts'
import { createObservers } from '../../src/pool/inspection.ts'
import { QUIET_INPUT } from './quiet.ts'

it('is understood by the receiver of the Stately inspector, message by message', async () => {
  const { ours } = await watchBoth()
  const listeners: ((event: { data: unknown }) => void)[] = []
  const greeted: unknown[] = []
  const opener = { postMessage: (message: unknown) => greeted.push(message) }
  const page = {
    opener,
    addEventListener: (_type: string, listener: (event: { data: unknown }) => void) =>
      listeners.push(listener),
  }
  const received: StatelyInspectionEvent[] = []
  createBrowserReceiver({ window: page }).subscribe((event) => received.push(event))
  expect(greeted).toEqual([{ type: '@statelyai.connected' }])
  for (const data of ours) for (const tell of listeners) tell({ data })
  expect(received).toEqual(ours)
})

it('has the fields that the Stately inspector itself sends, with the same values', async () => {
  const { ours, theirs } = await watchBoth()
  const common = ['type', 'name', 'sessionId', 'rootId', 'parentId', 'id', '_version', 'sourceId']
  const brief = (messages: readonly Sent[]) =>
    messages.map((message) => ({
      ...Object.fromEntries(common.map((name) => [name, message[name]])),
      event: typeOf(message['event']),
      value: valueOf(message['snapshot']),
      fields: Object.keys(message).toSorted(),
      definition: idOf(message['definition']),
    }))
  expect(brief(ours)).toEqual(brief(theirs))
})

type Sent = Readonly<Record<string, unknown>>

/** The same machines, seen by our observer and by the Stately inspector's own. */
async function watchBoth(): Promise<{ ours: readonly Sent[]; theirs: readonly Sent[] }> {
  const theirs: Sent[] = []
  const ours: Sent[] = []
  const inspector = createInspector({
    send: (message) => void theirs.push(JSON.parse(JSON.stringify(message))),
  })
  const observers = createObservers()
  const pool = createActor(poolMachine, { input: QUIET_INPUT })
  observers.attach(pool)
  pool.start()
  const machines = [{ root: () => pool, inspect: observers.inspect }]
  observe(machines, { now: Date.now, log: () => {} }).listen((messages) =>
    ours.push(...messages.map((message): Sent => JSON.parse(message))),
  )
  ours.length = 0
  pool.system.inspect(inspector.inspect)
  pool.send({ type: 'store.changed', accounts: [newFacts('a')] })
  pool.send({ type: 'account.told', id: 'a', event: { type: 'user.disabled' } })
  pool.stop()
  // The Stately inspector lets the browser come to rest first.
  await vi.waitFor(() => expect(theirs.at(-1)?.['event']).toEqual({ type: 'xstate.stop' }))
  expect(new Set(ours.map(({ type }) => type)).size).toBe(3)
  return { ours, theirs }
}

function typeOf(event: unknown): unknown {
  return isObject(event) ? event['type'] : undefined
}

function valueOf(snapshot: unknown): unknown {
  return isObject(snapshot) ? snapshot['value'] : undefined
}

function idOf(definition: unknown): unknown {
  return typeof definition === 'string' ? typeOf({ type: JSON.parse(definition).id }) : undefined
}
