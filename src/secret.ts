/** A value that can be used but not printed: every way of turning it into text says `[secret]`. */
export interface Secret {
  /** The value itself. Call it at the moment of sending or writing, and never keep the result. */
  reveal(): string
  toString(): string
  toJSON(): string
}

const mask = () => '[secret]'

/** Wraps a token. Works in Node and Bun: both honour the inspect symbol. */
export function secret(value: string): Secret {
  return Object.freeze({
    reveal: () => value,
    toString: mask,
    toJSON: mask,
    [Symbol.for('nodejs.util.inspect.custom')]: mask,
  })
}
