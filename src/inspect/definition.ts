import { type Allow, type Json, aFlag, byName, either, fields, isObject, listOf } from './allow.ts'

/**
 * A machine's own description as JSON text: its states, transitions, and the names of its guards and
 * actions. Functions, parameters and the context are left out.
 */
export function definitionOf(config: object): string {
  const known = definitions.get(config)
  if (known !== undefined) return known
  const definition = JSON.stringify(node(config) ?? {})
  definitions.set(config, definition)
  return definition
}

/** A machine is described once, however many actors it has. */
const definitions = new WeakMap<object, string>()

/** Longer than any name in a machine, with the dots of a path. */
const WORD = /^[#.]?[\w.*:-]{1,80}$/

const aWord: Allow = (value) => (typeof value === 'string' && WORD.test(value) ? value : undefined)
const oneOrMore = (rule: Allow) => either(rule, listOf(rule))
const named = either(aWord, fields({ type: aWord }))
const actions = oneOrMore(named)
const transitions = oneOrMore(
  either(aWord, fields({ target: oneOrMore(aWord), guard: named, actions, reenter: aFlag })),
)
const byWord = (rule: Allow) => byName(rule, (name) => WORD.test(name))

const node: Allow = fields({
  id: aWord,
  type: aWord,
  initial: aWord,
  tags: oneOrMore(aWord),
  entry: actions,
  exit: actions,
  invoke: oneOrMore(fields({ id: aWord, src: aWord, onDone: transitions, onError: transitions })),
  on: byWord(transitions),
  after: byWord(transitions),
  always: transitions,
  states: (value) => states(value),
})

/** A function: `node` is not there yet when its own rules are made. */
function states(value: unknown): Json | undefined {
  return isObject(value) ? byWord(node)(value) : undefined
}
