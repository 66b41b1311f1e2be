/** What a rule lets through: plain JSON, made anew. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [name: string]: Json }

/** The part of a value that may be shown; undefined = nothing of it, not even that it is there. */
export type Allow = (value: unknown) => Json | undefined

/** Stands for a text that is not of the shape that was expected. */
export const MARK = '[hidden]'
/** Nobody reads more, and a message must not grow with the number of accounts without end. */
const MOST_ITEMS = 100
/** Names and ids come in short words. What a provider gives out as a secret never does. */
const SHORT_WORDS = /^\w{1,16}(?:[ .:+#-]\w{1,16}){0,9}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/

export const aNumber: Allow = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined

export const aFlag: Allow = (value) => (typeof value === 'boolean' ? value : undefined)

/** An id, a label, a window: short words, or a time. An e-mail address is none of these. */
export const aName: Allow = (value) => {
  return typeof value === 'string' ? nameIn(value) : undefined
}

export function nameIn(text: string): string {
  return isName(text) ? text : MARK
}

/** Whether there is a text, but not which. */
export const aText: Allow = (value) => {
  if (typeof value !== 'string') return undefined
  return value === '' ? '' : MARK
}

/** One of these words; null is a word, too. */
export function oneOf(...words: readonly (string | null)[]): Allow {
  return (value) => {
    if (typeof value !== 'string' && value !== null) return undefined
    return words.includes(value) ? value : MARK
  }
}

export function either(...rules: readonly Allow[]): Allow {
  return (value) => {
    const shown = rules.map((rule) => rule(value)).filter((each) => each !== undefined)
    return shown.find((each) => each !== MARK) ?? shown[0]
  }
}

export function listOf(item: Allow): Allow {
  return (value) =>
    Array.isArray(value)
      ? value.slice(0, MOST_ITEMS).flatMap((each: unknown) => item(each) ?? [])
      : undefined
}

/** The named fields of an object, and no other. */
export function fields(rules: Readonly<Record<string, Allow>>): Allow {
  const known = Object.entries(rules)
  return (value) => {
    if (!isObject(value)) return undefined
    return Object.fromEntries(
      known.flatMap(([name, rule]) => {
        const shown = Object.hasOwn(value, name) ? rule(value[name]) : undefined
        return shown === undefined ? [] : [[name, shown]]
      }),
    )
  }
}

/** An object by names that are not known beforehand: only those of the shape of a name. */
export function byName(rule: Allow, isShown: (name: string) => boolean = isName): Allow {
  return (value) => {
    if (!isObject(value)) return undefined
    return Object.fromEntries(
      Object.entries(value)
        .slice(0, MOST_ITEMS)
        .flatMap(([name, each]) => {
          const shown = isShown(name) ? rule(each) : undefined
          return shown === undefined ? [] : [[name, shown]]
        }),
    )
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isName(text: string): boolean {
  return text === '' || SHORT_WORDS.test(text) || TIME.test(text)
}
