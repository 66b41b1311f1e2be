import type { Answer, Credential, Provider, Verdict } from '../provider/provider.ts'

/**
 * What an answer means. Its words go to people and into the accounts file, and some gateways quote
 * the token that they refuse: it is taken out of them, whatever it looks like.
 */
export function judgeAnswer(
  provider: Pick<Provider, 'judge'>,
  answer: Answer,
  { accessToken }: Pick<Credential, 'accessToken'>,
): Verdict {
  const verdict = provider.judge(answer)
  if (verdict.kind !== 'refused') return verdict
  const body = answer.body?.replaceAll(accessToken.reveal(), '[secret]')
  const unquoted = provider.judge({ ...answer, body })
  return { ...verdict, detail: unquoted.kind === 'refused' ? unquoted.detail : '' }
}
