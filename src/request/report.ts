import type { VersionedCredential } from '../pool/credentials.ts'
import type { Pool } from '../pool/pool.ts'
import { spreadEnd } from '../pool/spread.ts'
import type { Answer, Verdict } from '../provider/provider.ts'
import type { World } from '../world.ts'
import { judgeAnswer } from './judge.ts'

/** Tells one account what the provider's answers mean for it. */
export interface Report {
  limited(verdict: Verdict & { kind: 'limited' }, answer: Answer): void
  burst(verdict: Verdict & { kind: 'burst' }, answer: Answer): void
  refused(verdict: Verdict & { kind: 'refused' }): void
  /** An error in a stream that is already with the host. */
  failedInStream(answer: Answer, credential: VersionedCredential): void
}

export function createReport(pool: Pool, world: Pick<World, 'random'>, id: string): Report {
  const report: Report = {
    limited({ limits }, { receivedAt }) {
      pool.limited(
        id,
        limits.map((limit) => ({
          ...limit,
          until: spreadEnd(limit.until, receivedAt, world.random),
        })),
      )
    },
    burst(verdict, { sentAt }) {
      const unnamed = verdict.usedUp ? pool.settings().default_retry_after_ms : undefined
      const retryAfterMs = verdict.retryAfterMs ?? unnamed
      pool.tell(id, { type: 'request.burst', sentAt, retryAfterMs })
    },
    refused: ({ reason, detail }) => pool.tell(id, { type: 'request.refused', reason, detail }),
    failedInStream(answer, credential) {
      const verdict = judgeAnswer(pool.provider, answer, credential)
      switch (verdict.kind) {
        case 'limited':
          return report.limited(verdict, answer)
        case 'burst':
          return report.burst(verdict, answer)
        case 'refused':
          return report.refused(verdict)
        case 'unauthorized':
          return void replaceToken(credential.version)
        case 'ok':
        case 'request':
        case 'foreign':
        case 'overloaded':
      }
    },
  }

  /** For the next request; this one cannot be sent again. */
  async function replaceToken(version: number): Promise<void> {
    const next = await pool.credentials.after(version, id, undefined).catch(() => undefined)
    if (next === undefined) pool.tell(id, { type: 'request.withoutToken' })
  }

  return report
}
