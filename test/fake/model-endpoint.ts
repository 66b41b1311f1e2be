import type { Account } from './accounts.ts'
import type { Turn } from './behaviors.ts'
import type { Dialect } from './dialect.ts'
import { type HttpAnswer, type HttpRequest, pause } from './http.ts'
import { parseObject } from './json.ts'
import type { Member } from './members.ts'
import { conversationOf } from './record.ts'

/** Lets the account's behaviour answer, and adds its limit headers. */
export async function askModel(
  dialect: Dialect,
  request: HttpRequest,
  member: Member,
): Promise<HttpAnswer> {
  const { account } = member
  const fault = dialect.faultOfRequest(request, account)
  if (fault !== undefined) return withLimits(dialect, dialect.badRequest(fault), account)
  const body = parseObject(request.bodyText) ?? {}
  const turn: Turn = {
    ...dialect.asked(body),
    ...conversationOf(request, body),
    account: account.name,
    earlier: member.earlier++,
    bodyText: request.bodyText,
    defaultText: `answered by ${account.name}`,
    pause: (ms) => pause(ms, request.signal),
  }
  const reaction = await member.behavior(turn)
  if (reaction.kind === 'limited') {
    account.windows.set(reaction.window, { percent: 100, resetsAt: reaction.until })
  }
  const answer = dialect.react(reaction, { account, turn, isStream: body['stream'] === true })
  const isWithoutReason = reaction.kind === 'burst' && reaction.retryAfterSeconds === undefined
  if (isWithoutReason || reaction.kind === 'raw') return answer
  return withLimits(dialect, answer, account)
}

/** The limit headers stand on every answer for a known account, 200 too. */
export function withLimits(dialect: Dialect, answer: HttpAnswer, account: Account): HttpAnswer {
  if (answer.kind !== 'answer') return answer
  return { ...answer, headers: { ...dialect.limitHeaders(account), ...answer.headers } }
}
