import { writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { type Json, objectsOf, parseObject } from '../fake/json.ts'
import type { Home } from './host/home.ts'
import { type Terminal, openTerminal } from './terminal.ts'

const POLL = { timeout: 20_000, interval: 50 }
/** What every terminal can show. */
const USUAL = { columns: 80, rows: 24 }

/** `opencode auth login` with the menu of a provider open in it. */
export async function openMenu(home: Home, provider: string, size = USUAL) {
  const terminal = await openTerminal(home, ['auth', 'login', '-p', provider], size)
  const { screen, press } = terminal

  /** Resolves when the text is on the screen. */
  async function sees(text: string): Promise<void> {
    await expect.poll(screen, POLL).toContain(text)
  }

  /** The choices of the question that waits for an answer, the chosen one marked. */
  async function offered(): Promise<readonly { isChosen: boolean; label: string }[]> {
    const [, open = ''] = /◆([^◆]*)$/.exec(await screen()) ?? []
    return [...open.matchAll(/^│ {2}([●○]) (.*)$/gm)].map(([, mark, label = '']) => ({
      isChosen: mark === '●',
      label,
    }))
  }

  /** Goes to the choice that starts so, once it is offered, and takes it. */
  async function pick(start: string): Promise<void> {
    const isIt = ({ label }: { label: string }) => label.startsWith(start)
    await expect.poll(async () => (await offered()).some(isIt), POLL).toBe(true)
    const choices = await offered()
    const chosen = choices.findIndex(({ isChosen }) => isChosen)
    const steps = choices.findIndex(isIt) - chosen
    for (let step = 0; step < Math.abs(steps); step++) await press(steps > 0 ? 'Down' : 'Up')
    const isThere = async () => (await offered()).some((each) => each.isChosen && isIt(each))
    await expect.poll(isThere, POLL).toBe(true)
    const before = await screen()
    await terminal.enter()
    // The next question may offer the same choice at another place.
    await expect.poll(screen, POLL).not.toBe(before)
  }

  await sees('Login method')
  await terminal.enter()
  await sees('accounts\n│')
  return { ...terminal, sees, pick }
}

export type Menu = Awaited<ReturnType<typeof openMenu>>

/** The accounts in the file of a pool. */
export async function stored(home: Home, provider: string) {
  const file = parseObject((await home.read(home.accountsFile(provider))) ?? '')
  return objectsOf(file?.['accounts'])
}

/** Changes fields of the first account in the file of a pool. */
export async function changeFirst(home: Home, provider: string, changes: Json): Promise<void> {
  const path = home.accountsFile(provider)
  const file = parseObject((await home.read(path)) ?? '')
  const [first, ...rest] = objectsOf(file?.['accounts'])
  const accounts = [{ ...first, ...changes }, ...rest]
  await writeFile(path, JSON.stringify({ ...file, accounts }), { mode: 0o600 })
}

/** The page that the menu shows. */
export async function pageOn({ screen }: Pick<Terminal, 'screen'>): Promise<string> {
  const found = [...(await screen()).matchAll(/^(https?:\/\/\S+)$/gm)]
  return found.at(-1)?.[1] ?? ''
}

/** A question that waits for an answer, and the frame's end below it. */
const ASKS = /◆ {2}[^◆]*\n└\s*$/

/**
 * The screen from the last line that contains `from`, with everything that differs from run to run
 * replaced: times, ports, one-time values, folders.
 */
export async function screenFrom(menu: Menu, home: Home, from: string): Promise<string> {
  await expect.poll(menu.screen, POLL).toMatch(ASKS)
  const lines = (await menu.screen()).trimEnd().split('\n')
  const start = lines.findLastIndex((line) => line.includes(from))
  return `${lines
    .slice(Math.max(0, start))
    .map((line) => line.trimEnd())
    .join('\n')
    .replaceAll(home.root, '/home/ann')
    .replace(/\b(resets|back) (at|on|in) [^.\n]*/g, '$1 at 14:05')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'https://provider.example')
    .replace(/localhost%3A\d+/g, 'localhost%3A49152')
    .replace(/\b(state|code_challenge)=[\w-]+/g, '$1=…')}\n`
}
