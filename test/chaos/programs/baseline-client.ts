/**
 * How such clients are usually built: a lock around "read again, renew unless somebody else has,
 * write". It goes on asking, four requests at a time. What the chaos measures ours against.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import lockfile from 'proper-lockfile'
import * as v from 'valibot'

// With its runner.
process.stdin.once('end', () => process.exit()).resume()
const [file = '', origin = '', name = ''] = process.argv.slice(2)
const schema = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    accounts: v.array(
      v.looseObject({ uuid: v.string(), refreshToken: v.string(), accessToken: v.string() }),
    ),
  }),
)
type Account = v.InferOutput<typeof schema>['accounts'][number]
console.log('ready')
for (let parallel = 1; parallel <= 4; parallel++) void loop()

async function loop(): Promise<never> {
  for (let index = 0; ; index++) {
    await step(index).catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60))
  }
}

async function step(index: number): Promise<void> {
  const { accessToken, uuid } = accountAt(index, await accounts())
  const response = await fetch(`${origin}/v1/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'anthropic-beta': 'oauth-2025-04-20',
      'anthropic-version': '2023-06-01',
      'content-type': 'application/json',
    },
    body: '{}',
  })
  await response.text()
  if (response.status === 401) await renew(uuid, accessToken)
}

async function renew(id: string, refused: string): Promise<void> {
  const release = await lockfile.lock(file, {
    realpath: false,
    stale: 10_000,
    retries: { retries: 100, minTimeout: 20, maxTimeout: 100 },
    onCompromised: () => {},
  })
  try {
    const current = (await accounts()).find(({ uuid }) => uuid === id)
    if (current === undefined || current.accessToken !== refused) return
    const response = await fetch(`${origin}/v1/oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-client': name },
      body: JSON.stringify({
        grant_type: 'refresh_token',
        refresh_token: current.refreshToken,
        client_id: '9d1c250a-e61b-44d9-88ed-5944d1962f5e',
      }),
    })
    const answer: unknown = await response.json()
    const tokens = v.safeParse(
      v.object({ access_token: v.string(), refresh_token: v.string() }),
      answer,
    )
    if (!tokens.success) return
    await write({
      ...current,
      accessToken: tokens.output.access_token,
      refreshToken: tokens.output.refresh_token,
    })
  } finally {
    await release().catch(() => undefined)
  }
}

async function accounts(): Promise<readonly Account[]> {
  return v.parse(schema, await readFile(file, 'utf8')).accounts
}

function accountAt(index: number, all: readonly Account[]): Account {
  const account = all[index % all.length]
  if (account === undefined) throw new Error('no account')
  return account
}

async function write(renewed: Account): Promise<void> {
  const all = (await accounts()).map((each) => (each.uuid === renewed.uuid ? renewed : each))
  const temporary = `${file}.${name}.tmp`
  await writeFile(temporary, JSON.stringify({ version: 1, accounts: all }), { mode: 0o600 })
  await rename(temporary, file)
}
