/** The authorize page with its query; what the address brings along itself stays. */
export function authorizeUrl(page: string, query: Readonly<Record<string, string>>): string {
  const url = new URL(page)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url.href
}
