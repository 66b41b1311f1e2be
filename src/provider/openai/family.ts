/** Last words of a model's name that say nothing about a limit of its own. */
const COMMON = new Set(['codex', 'latest', 'preview', 'chat'])

/**
 * The part of a model's name that a limit of its own goes by: "gpt-5.3-codex-spark" is "spark".
 * Undefined for the models that share the account's limits ("gpt-5.2", "gpt-5.1-codex").
 */
export function family(model: string): string | undefined {
  const word = /-([a-z]{3,})$/i.exec(model.trim())?.[1]?.toLowerCase()
  return word === undefined || COMMON.has(word) ? undefined : word
}
