import { replaceKey } from '../../accounts/edit.ts'
import { addKey } from '../../login/add-key.ts'
import { type Secret, secret } from '../../secret.ts'
import { sayIfMixed } from './mixed.ts'
import { say } from './say.ts'
import type { MenuParts } from './parts.ts'

/** Takes an API key into the pool. True when there is a new account. */
export async function addKeyAccount(parts: MenuParts): Promise<boolean> {
  const { pool, screen, store, world } = parts
  const apiKey = await askKey('The API key (Esc goes back)', parts)
  if (apiKey === undefined) return false
  const label = await screen.ask({ question: 'A name for it', example: 'API key' })
  if (label === undefined) return false
  const saved = await addKey(store, { apiKey, label }, world.now)
  if (!saved.ok) {
    screen.say('bad', saved.problem.message)
    return false
  }
  await pool.upToDate()
  const { name } = pool.provider
  const news = saved.isNew ? `was added to the ${name} accounts` : 'was there already'
  const rest = saved.isEnabled ? '' : '. It stays switched off until you enable it'
  const sentence = `${saved.label} ${news}${rest}.`
  world.log('info', sentence)
  screen.say('good', sentence)
  sayIfMixed(parts)
  return true
}

/** Puts another key in the place of one. Always false: there is no new account. */
export async function enterNewKey(id: string, parts: MenuParts): Promise<false> {
  const apiKey = await askKey('The new API key (Esc goes back)', parts)
  if (apiKey === undefined) return false
  return say(await replaceKey(parts.store, id, apiKey), 'has the new key', parts)
}

async function askKey(question: string, { screen }: MenuParts): Promise<Secret | undefined> {
  const typed = await screen.askSecret({ question, check: checkKey })
  return typed === undefined ? undefined : secret(typed.trim())
}

/** It goes into a header. */
function checkKey(typed: string): string | undefined {
  const key = typed.trim()
  if (key === '') return 'Paste or type the key.'
  return /^[\x21-\x7e]+$/.test(key) ? undefined : 'A key has neither spaces nor accents.'
}
