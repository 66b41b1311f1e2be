/** A sentence is enough; more would fill a toast. */
const MAX_LENGTH = 300
// oxlint-disable-next-line no-control-regex -- taking control characters out is the purpose
const ESCAPES = /\u001b\[[0-?]*[ -/]*[@-~]/g
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu
const SECRETS = /\b(?:sk-[\w*-]{8,}|eyJ[\w.-]{12,}|rt_[\w.-]{8,}|Bearer\s+\S+)/gi

/**
 * A text of the provider made fit for people: one line, no control, bidi or escape characters,
 * nothing that looks like a token, at most 300 characters.
 */
export function cleanMessage(text: string): string {
  const plain = printable(text.slice(0, 16 * MAX_LENGTH))
  return plain.length <= MAX_LENGTH ? plain : `${plain.slice(0, MAX_LENGTH - 1).trimEnd()}…`
}

/** The same without a bound on its length, for what goes into a log. */
export function printable(text: string): string {
  return text
    .replace(ESCAPES, '')
    .replace(UNPRINTABLE, ' ')
    .replace(SECRETS, '[secret]')
    .replace(/\s+/g, ' ')
    .trim()
}
