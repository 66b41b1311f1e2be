const MARK = 'canary-'
/** Every secret that a fake gives out begins like this. */
const PLAIN = `${MARK}(?:at|rt|id|code|key)-`

/** How a secret looks as it is (in JSON and in a URL too), in hex, and in base64 at any offset. */
const FORMS = new RegExp(
  [PLAIN, Buffer.from(MARK).toString('hex'), ...[0, 1, 2].map(base64After)].join('|'),
)

/** The beginning of a secret in the text, in whatever form; undefined when there is none. */
export function findSecret(text: string): string | undefined {
  return FORMS.exec(text)?.[0]
}

/** The characters that stand for the mark alone, after so many other bytes. */
function base64After(bytes: number): string {
  const encoded = Buffer.from('x'.repeat(bytes) + MARK).toString('base64')
  const bits = (bytes + MARK.length) * 8
  return encoded.slice(Math.ceil((bytes * 8) / 6), Math.floor(bits / 6))
}
