/**
 * The model family in a Claude model's name: "claude-opus-4-5" and "claude-3-opus-20240229" are
 * "opus", and so on for families that do not exist yet. Undefined = none known.
 */
export function family(model: string): string | undefined {
  return /claude-(?:\d[\d.]*-)*([a-z]{3,})/i.exec(model)?.[1]?.toLowerCase()
}
