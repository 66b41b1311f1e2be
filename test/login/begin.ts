import { realWorld } from '../../src/world.ts'
import { providers } from '../../src/provider/providers.ts'
import type { LoginParts } from '../../src/login/result.ts'
import type { PasteCodeLogin } from '../../src/login/paste-code.ts'
import { startPasteCode } from '../../src/login/paste-code.ts'
import type { Fake } from '../fake/fake.ts'

/** What a login at a fake needs; the pauses between polls take no time. */
export function partsOf(fake: Fake, known: Partial<LoginParts> = {}): LoginParts {
  return {
    provider: providers[fake.id],
    endpoints: fake.endpoints,
    world: { ...realWorld(() => {}), delay: async (_ms, signal) => signal?.throwIfAborted() },
    signal: new AbortController().signal,
    ...known,
  }
}

export function startPasteLogin(fake: Fake, known?: Partial<LoginParts>): Promise<PasteCodeLogin> {
  const parts = partsOf(fake, known)
  const method = parts.provider.login.methods.find(({ kind }) => kind === 'pasteCode')
  if (method?.kind !== 'pasteCode') throw new Error('It has no code to paste.')
  return startPasteCode(method, parts)
}

/** A person opens the page, agrees at once and copies what it shows: `CODE#STATE`. */
export async function agreeOn(url: string): Promise<string> {
  const page = await (await fetch(url)).text()
  const [, shown] = /<pre>(.*)<\/pre>/.exec(page) ?? []
  if (shown === undefined) throw new Error(`The page shows no code: ${page}`)
  return shown
}
