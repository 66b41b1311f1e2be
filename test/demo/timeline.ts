const DIM = '\u001B[2m'
const BOLD = '\u001B[1m'
const RESET = '\u001B[0m'
const start = performance.now()

/** Colours only where a person looks, and did not ask to do without. */
const isPlain = !process.stdout.isTTY || process.env['NO_COLOR'] !== undefined

/** One line of the demo: when, who, what. */
export function line(who: 'demo' | 'you' | 'pool' | 'answer' | 'page', text: string): void {
  const seconds = `${((performance.now() - start) / 1_000).toFixed(1)} s`.padStart(7)
  const name = who.padEnd(6)
  const shown = isPlain ? `${name}  ${text}` : `${styleOf(who)}${name}  ${text}${RESET}`
  process.stdout.write(`${seconds}  ${shown}\n`)
}

export function heading(text: string): void {
  process.stdout.write(isPlain ? `\n${text}\n` : `\n${BOLD}${text}${RESET}\n`)
}

export function plain(text: string): void {
  process.stdout.write(`${text}\n`)
}

function styleOf(who: string): string {
  return who === 'answer' ? BOLD : who === 'demo' ? DIM : ''
}
