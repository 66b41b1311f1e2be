import { saveSetting } from '../../config/save.ts'
import type { Strategy } from '../../config/schema.ts'
import type { MenuParts } from './parts.ts'

const EXPLAINED = {
  sticky: 'a conversation keeps its account',
  'round-robin': 'each request, the next account',
  hybrid: 'by usage, health, rest and load',
  drain: 'first what a reset would waste',
} as const satisfies Record<Strategy, string>

const STRATEGIES = ['sticky', 'round-robin', 'hybrid', 'drain'] as const satisfies Strategy[]
const NAME_WIDTH = Math.max(...STRATEGIES.map((name) => name.length))

/** Chooses how the next account is chosen, and saves it. */
export async function balance({ pool, screen, configDir, reload }: MenuParts): Promise<void> {
  const current = pool.settings().account_selection_strategy
  const choices = STRATEGIES.map((value) => ({
    value,
    label: `${value.padEnd(NAME_WIDTH)}  ${EXPLAINED[value]}`,
  }))
  const question = `How is the next account chosen? Now: ${current}.`
  const chosen = await screen.choose<Strategy>(question, choices, current)
  if (chosen === undefined) return
  const field = 'account_selection_strategy'
  const saved = await saveSetting(configDir, pool.provider, field, chosen)
  if (!saved.ok) return screen.say('bad', saved.problem)
  await reload()
  screen.say('good', `${chosen} is saved in ${saved.file}.`)
  const acting = pool.settings().account_selection_strategy
  if (acting === chosen) return
  screen.say('warning', `${acting} stays in use: the plugin's options in opencode.json name it.`)
}
