/** A token with these claims and no valid signature, as a provider would encode it. */
export function jwt(claims: unknown): string {
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
