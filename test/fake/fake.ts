import type { AccountSpec } from './accounts.ts'
import { type Dialect, bearerOf, jsonAnswer } from './dialect.ts'
import { type SteeredAccount, steer } from './steered-account.ts'
import { type HttpAnswer, type HttpRequest, listen } from './http.ts'
import { parseObject, textOf } from './json.ts'
import { createLedger } from './ledger.ts'
import { createLogins } from './login.ts'
import { type Member, createMembers } from './members.ts'
import { askModel, withLimits } from './model-endpoint.ts'
import { type RecordedRequest, conversationOf, createRecord } from './record.ts'
import { seedOf } from './seed.ts'
import { ROTATES, type TokenBehavior } from './token-behaviors.ts'
import { type ExchangeRecord, createTokenEndpoint } from './token-endpoint.ts'
import { createUsageEndpoint } from './usage-endpoint.ts'

export interface FakeOptions {
  /** Names, or more about each account. Default: `<provider>-1` and `<provider>-2`. */
  readonly accounts?: readonly (string | AccountSpec)[]
  /** How long an access token lives. Default 8 hours. */
  readonly tokenLifetimeMs?: number
  /** Default: a free one. */
  readonly port?: number
  readonly tokenBehavior?: TokenBehavior
  /** The clock by which the usage endpoint counts. Default: the real one. */
  readonly now?: () => number
}

const EIGHT_HOURS = 8 * 3_600_000

/** Starts a strict fake provider that speaks the given dialect. */
export async function createFake(dialect: Dialect, options: FakeOptions) {
  const members = createMembers(dialect.defaultPlan)
  const record = createRecord()
  const accountOf = (name: string) => members.of(name).account
  const ledger = createLedger(dialect.mint(accountOf), options.tokenLifetimeMs ?? EIGHT_HOURS)
  let nextLogin: string | undefined
  const logins = createLogins({
    clientId: dialect.clientId,
    faultOfAuthorize: dialect.faultOfAuthorize,
    whoLogsIn: () => nextLogin ?? members.names()[0] ?? members.add(dialect.id),
    addSecret: ledger.addSecret,
  })
  const tokens = createTokenEndpoint({
    dialect,
    ledger,
    logins,
    accountOf,
    behavior: options.tokenBehavior ?? ROTATES,
  })
  const usage = createUsageEndpoint(dialect, options.now ?? Date.now)
  for (const spec of options.accounts ?? [`${dialect.id}-1`, `${dialect.id}-2`]) {
    const name = members.add(spec)
    const { apiKey } = accountOf(name)
    if (apiKey === undefined) ledger.login(name)
    else ledger.addSecret(apiKey)
  }
  const server = await listen(handle, options.port)

  async function handle(request: HttpRequest): Promise<HttpAnswer> {
    const key = dialect.keyOf(request)
    const name = key === undefined ? ledger.accountOf(bearerOf(request)) : members.ownerOfKey(key)
    const body = parseObject(request.bodyText) ?? {}
    const settle = record.add({
      at: Date.now(),
      account: name,
      method: request.method,
      path: request.url.pathname + request.url.search,
      ...conversationOf(request, body),
      model: textOf(body['model']),
      status: undefined,
      bodyText: request.bodyText,
      headers: request.headers,
    })
    const answer = await route(request, name === undefined ? undefined : members.of(name))
    if (answer.kind === 'answer') settle(answer.status)
    return answer
  }

  async function route(request: HttpRequest, member: Member | undefined): Promise<HttpAnswer> {
    const { paths } = dialect
    const call = `${request.method} ${request.url.pathname}`
    switch (call) {
      case `POST ${paths.token}`:
        return tokens.answer(request)
      case `GET ${paths.authorize}`:
        return logins.authorize(request.url.searchParams)
      case 'POST /api/accounts/deviceauth/usercode':
        return jsonAnswer(200, logins.startDevice())
      case 'POST /api/accounts/deviceauth/token':
        return pollDevice(request)
      case `GET ${paths.usage}`:
        return guarded(request, member, (known) => usage.answer(known.account))
      case `GET ${paths.profile}`:
        return guarded(request, member, (known) => jsonAnswer(200, dialect.profile(known.account)))
      default: {
        if (!paths.model.some((path) => call === `POST ${path}`)) return dialect.notFound()
        return guarded(request, member, (known) => askModel(dialect, request, known))
      }
    }
  }

  /** First the headers, then the token: only then the account answers. */
  async function guarded(
    request: HttpRequest,
    member: Member | undefined,
    answer: (member: Member) => HttpAnswer | Promise<HttpAnswer>,
  ): Promise<HttpAnswer> {
    const isKey = dialect.keyOf(request) !== undefined
    const fault = isKey ? dialect.faultOfKeyRequest(request) : dialect.faultOfHeaders(request)
    const refused = isKey ? dialect.unknownKey : dialect.unauthorized
    if (fault === undefined) return member === undefined ? refused() : answer(member)
    const refusal = dialect.badRequest(fault)
    return member === undefined ? refusal : withLimits(dialect, refusal, member.account)
  }

  function pollDevice(request: HttpRequest): HttpAnswer {
    const id = textOf(parseObject(request.bodyText)?.['device_auth_id']) ?? ''
    const approved = logins.pollDevice(id)
    if (approved !== undefined) return jsonAnswer(200, approved)
    return jsonAnswer(403, { error: { code: 'deviceauth_authorization_unknown' } })
  }

  /** Throws for a name that was not given at the start and never logged in. */
  function account(name: string): SteeredAccount {
    return steer(members.of(name), ledger, modelRequests)
  }

  function modelRequests(): readonly RecordedRequest[] {
    return record.requests.filter(({ path }) => isModelPath(dialect, path))
  }

  return {
    id: dialect.id,
    origin: server.origin,
    /** The `endpoints` of the plugin's configuration that lead here. */
    endpoints: dialect.endpoints(server.origin),
    account,
    accounts: () => members.names().map(account),
    /** Every request, in order of arrival. */
    requests: record.requests as readonly RecordedRequest[],
    /** Those for the model only. */
    modelRequests,
    /** The first request, past or to come, that the predicate picks. */
    waitForRequest: record.waitFor,
    /** Each use of a refresh token, in order. */
    exchanges: tokens.exchanges as readonly ExchangeRecord[],
    /** How often a refresh token was used that had been used before. */
    reuses: tokens.reuses,
    /** How the token endpoint behaves from now on. */
    behaveOnExchange: tokens.behave,
    /** Those for the usage of an account. */
    usageRequests: () => record.requests.filter(({ path }) => path === dialect.paths.usage),
    /** How often an account was asked about within a minute of the last time. */
    usageRefusals: usage.refusals,
    /** How the usage endpoint behaves from now on. */
    behaveOnUsage: usage.behave,
    /** Who agrees on the authorize page and at the device code; added when unknown. */
    loginAs: (name: string) => {
      nextLogin = members.has(name) ? name : members.add(name)
    },
    approveDevices: logins.approveDevices,
    /** The accounts file, ready to be written, with the newest tokens. */
    seed: () => {
      const owners = members.names().map(accountOf)
      return seedOf(
        owners.map((owner) => ({ account: owner, tokens: ledger.tokensOf(owner.name) })),
      )
    },
    /** Every secret that was ever given out. */
    canaries: ledger.secrets,
    /** Requests that are not answered to the end, and whose client has not gone away. */
    openAnswers: server.openAnswers,
    close: server.close,
  }
}

export type Fake = Awaited<ReturnType<typeof createFake>>

function isModelPath(dialect: Dialect, path: string): boolean {
  return dialect.paths.model.includes(path.split('?')[0] ?? '')
}
