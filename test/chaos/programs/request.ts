/** What the clients of the chaos send, and where. */

/** The plugin's settings that lead to a fake at `origin`, without pauses that would only take time. */
export function settingsOf(origin: string): Readonly<Record<string, unknown>> {
  return {
    endpoints: { token: `${origin}/v1/oauth/token`, api: origin, usage: origin },
    account_selection_strategy: 'round-robin',
    token_failure_backoff_ms: 1_000,
    max_wait_ms: 0,
  }
}

/** One prompt; its status. */
export async function ask(
  send: (url: string, init: RequestInit) => Promise<Response>,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await send('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...headers },
    body: JSON.stringify({
      model: 'claude-sonnet-4-5',
      max_tokens: 8,
      messages: [{ role: 'user', content: 'hello' }],
    }),
  })
  await response.text()
  return response.status
}
