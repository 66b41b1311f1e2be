import type { LimitRecord } from '../../machines/limits.ts'
import type { Pool } from '../pool/pool.ts'
import type { Answer, Verdict } from '../provider/provider.ts'
import type { World } from '../world.ts'

/** Tells one account what the provider's answers mean for it. */
export interface Report {
  limited(verdict: Verdict & { kind: 'limited' }, answer: Answer): void
  burst(verdict: Verdict & { kind: 'burst' }, answer: Answer): void
  refused(verdict: Verdict & { kind: 'refused' }): void
  /** An error in a stream that is already with the host; `version` of the token that was used. */
  failedInStream(answer: Answer, version: number): void
}

/** A reset is passed by this much, so that clocks that disagree do not send us too early. */
const LEAST_SPREAD_MS = 1_000
const MOST_SPREAD_MS = 30_000

export function createReport(pool: Pool, world: Pick<World, 'random'>, id: string): Report {
  const report: Report = {
    limited({ limits }, { receivedAt }) {
      pool.limited(
        id,
        limits.map((limit) => ({ ...limit, until: spread(limit, receivedAt) })),
      )
    },
    burst(verdict, { sentAt }) {
      const unnamed = verdict.usedUp ? pool.settings().default_retry_after_ms : undefined
      const retryAfterMs = verdict.retryAfterMs ?? unnamed
      pool.tell(id, { type: 'request.burst', sentAt, retryAfterMs })
    },
    refused: ({ reason, detail }) => pool.tell(id, { type: 'request.refused', reason, detail }),
    failedInStream(answer, version) {
      const verdict = pool.provider.judge(answer)
      switch (verdict.kind) {
        case 'limited':
          return report.limited(verdict, answer)
        case 'burst':
          return report.burst(verdict, answer)
        case 'refused':
          return report.refused(verdict)
        case 'unauthorized':
          return void replaceToken(version)
        case 'ok':
        case 'request':
        case 'overloaded':
      }
    },
  }

  /** For the next request; this one cannot be sent again. */
  async function replaceToken(version: number): Promise<void> {
    const next = await pool.credentials.after(version, id, undefined).catch(() => undefined)
    if (next === undefined) pool.tell(id, { type: 'request.withoutToken' })
  }

  function spread({ until }: LimitRecord, receivedAt: number): number {
    const tenth = Math.max(0, until - receivedAt) / 10
    const room = Math.min(MOST_SPREAD_MS - LEAST_SPREAD_MS, tenth)
    return Math.round(until + LEAST_SPREAD_MS + world.random() * room)
  }

  return report
}
