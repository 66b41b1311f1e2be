/** Models of the list that the binary embeds, which the built-in plugins do not filter out. */
export const MODELS = {
  anthropic: 'anthropic/claude-sonnet-4-5',
  openai: 'openai/gpt-5.4',
} as const
