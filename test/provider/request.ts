import type { Credential, ReplayableRequest } from '../../src/provider/provider.ts'
import { secret } from '../../src/secret.ts'

export const CREDENTIAL: Credential = {
  accessToken: secret('access-1'),
  accountId: 'account-1',
}

/** A POST as the host makes it; an object body becomes JSON. */
export function post(
  url: string,
  body: unknown = {},
  headers: Record<string, string> = {},
): ReplayableRequest {
  const given = typeof body === 'string' || body instanceof Uint8Array || body === undefined
  return {
    url,
    method: 'POST',
    headers: new Headers({ 'content-type': 'application/json', ...headers }),
    body: given ? body : JSON.stringify(body),
  }
}
