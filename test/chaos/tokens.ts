import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { parseDocument } from '../../src/store/document.ts'
import type { StoredAccount } from '../../src/store/schema.ts'

/** The accounts as they stand in the file, with nothing applied. */
export function storedAccounts(file: string): readonly StoredAccount[] {
  const parsed = parseDocument(readFileSync(file, 'utf8'))
  return parsed.ok ? parsed.document.accounts : []
}

/** The name of a token, as files of the journal begin with it. */
export function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 32)
}

/** What the files say of a process that has just been killed. Tokens are hashed. */
export function remainsOf(
  pid: number,
  file: string,
): { readonly unanswered: ReadonlySet<string>; readonly held: ReadonlySet<string> } {
  const journal = join(dirname(file), 'multiauth-refresh')
  const tickets = namesIn(journal).filter((name) => /\.spend\.[0-9]+$/.test(name))
  const isTheirs = (name: string) => ownerOf(textOf(join(journal, name))) === pid
  const stored = storedAccounts(file).map(({ refreshToken }) => hashOf(refreshToken.reveal()))
  const answered = answeredIn(journal)
  const without = (tokens: readonly string[]) =>
    new Set(tokens.filter((token) => !answered.has(token)))
  return {
    unanswered: without([...stored, ...tickets.map(tokenOf)]),
    held: without(tickets.filter(isTheirs).map(tokenOf)),
  }
}

function ownerOf(ticket: string): number | undefined {
  const parsed = v.safeParse(ticketSchema, ticket)
  return parsed.success ? parsed.output.pid : undefined
}

const ticketSchema = v.pipe(v.string(), v.parseJson(), v.object({ pid: v.number() }))

/** Files of the journal begin with the token's name. */
function tokenOf(name: string): string {
  return name.split('.')[0] ?? ''
}

/** Tokens with a new one recorded, or written in full beside its ticket. */
function answeredIn(journal: string): ReadonlySet<string> {
  const files = namesIn(journal).filter((name) => /\.(next|room)$/.test(name))
  const answered = files.filter((name) => textOf(join(journal, name)).includes('"kind":"renewed"'))
  return new Set(answered.map(tokenOf))
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** Empty when it has gone meanwhile, or was not written in full. */
function textOf(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    JSON.parse(text)
    return text
  } catch {
    return ''
  }
}
