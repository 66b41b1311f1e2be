import { openBrowser } from '../../src/host/open-browser.ts'
import { line } from './timeline.ts'

/** How the plugin tells where its live page is. */
const ADDRESS = /live page of the accounts is at (http:\/\/127\.0\.0\.1:\d+\/\w+\/)/
const FIRST_EVENT = /^event: picture\ndata: (.*)$/m

export function addressIn(text: string): string | undefined {
  return ADDRESS.exec(text)?.[1]
}

/** Tells where the page is and, to somebody at a keyboard with a display, how to open it. */
export function offerPage(address: string): void {
  line('page', `see it live at ${address}`)
  if (!process.stdin.isTTY) return
  line('page', 'or press Enter to open it in your browser')
  process.stdin.once('data', () => {
    // The address stands in an argument then, which everybody on this machine can read: it shows
    // made-up accounts here. The plugin itself opens no page.
    if (!openBrowser(address)) line('page', 'there is no display here: open the address yourself')
    process.stdin.pause()
  })
  process.stdin.unref()
}

/** What the page is told first: "Ada limited, Ben ready". */
export async function readPage(address: string): Promise<string> {
  const ending = new AbortController()
  const { body } = await fetch(`${address}events`, { signal: ending.signal })
  let text = ''
  for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece
    if (/^data: .*\n\n/m.test(text)) break
  }
  ending.abort()
  const picture: { pools: { accounts: { label: string; state: string }[] }[] } = JSON.parse(
    FIRST_EVENT.exec(text)?.[1] ?? '{"pools":[]}',
  )
  const accounts = picture.pools.flatMap((pool) => pool.accounts)
  return accounts.map(({ label, state }) => `${label} ${state}`).join(', ')
}
