import { appendFileSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'

/** What a process writes down. Never a token: its hash. */
export type HistoryEvent =
  /** Before a mutation begins, and after the store has confirmed it. */
  | { readonly kind: 'intent'; readonly seq: number }
  /** The two counters as the confirmed document holds them. */
  | { readonly kind: 'ack'; readonly seq: number; readonly own: number; readonly shared: number }
  /** The token of an account as it stood in the file. */
  | {
      readonly kind: 'seen'
      readonly account: string
      readonly version: number
      readonly token: string
    }

/** The history of one process from its start to its end. */
export interface History {
  /** Of the process, and of the counter that it raises. */
  readonly name: string
  readonly events: readonly HistoryEvent[]
  /** Lines that are none: a killed process may leave one, as its last. */
  readonly torn: readonly number[]
  readonly lines: number
}

const eventSchema = v.variant('kind', [
  v.object({ kind: v.literal('intent'), seq: v.number() }),
  v.object({ kind: v.literal('ack'), seq: v.number(), own: v.number(), shared: v.number() }),
  v.object({
    kind: v.literal('seen'),
    account: v.string(),
    version: v.number(),
    token: v.string(),
  }),
])
const lineSchema = v.pipe(v.string(), v.parseJson(), eventSchema)

/** Appends at once: what a process has said survives its death. */
export function appendEvent(file: string, event: HistoryEvent): void {
  appendFileSync(file, `${JSON.stringify(event)}\n`)
}

export function parseHistory(name: string, text: string): History {
  const lines = text.split('\n')
  // The rest after the last line break: empty, unless the last line is torn.
  const rest = lines.pop() ?? ''
  const whole = rest === '' ? lines : [...lines, rest]
  const events: HistoryEvent[] = []
  const torn: number[] = []
  for (const [index, line] of whole.entries()) {
    const parsed = v.safeParse(lineSchema, line)
    if (parsed.success) events.push(parsed.output)
    else torn.push(index)
  }
  return { name, events, torn, lines: whole.length }
}

/** All histories of a folder; a file is called `<name>.<start>.jsonl`, one per start. */
export function readHistories(folder: string): readonly History[] {
  const files = readdirSync(folder).toSorted((left, right) => startOf(left) - startOf(right))
  return files.map((file) =>
    parseHistory(file.split('.')[0] ?? '', readFileSync(join(folder, file), 'utf8')),
  )
}

function startOf(file: string): number {
  return Number(file.split('.')[1])
}
