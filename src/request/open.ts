import type { VersionedCredential } from '../pool/credentials.ts'
import type { Pool } from '../pool/pool.ts'
import type { Answer } from '../provider/provider.ts'
import type { World } from '../world.ts'
import { type ReadAnswer, refusalInStream } from './error-body.ts'
import type { Report } from './report.ts'
import { openAnswer } from './stream.ts'

export interface OpenParts {
  readonly pool: Pool
  readonly world: World
  readonly signal: AbortSignal | undefined
  /** Ends the connection that the answer comes by. */
  readonly hangUp: () => void
  /** The account that answered. */
  readonly id: string
  readonly report: Report
  /** The body was read, broke off or was cancelled. Not called for a refusal. */
  readonly released: () => void
}

/** A stream that broke off before it began is trouble on the provider's side of the wire. */
const LOST_STATUS = 502

/**
 * A 2xx answer for the host, which tells the account how it ended; or the refusal that it turned
 * out to be.
 */
export async function openWith(
  { pool, world, signal, hangUp, id, report, released }: OpenParts,
  answer: Answer,
  response: Response,
  credential: VersionedCredential,
): Promise<Response | ReadAnswer> {
  const { provider } = pool
  const opened = await openAnswer(
    {
      world,
      signal,
      hangUp,
      from: provider.name,
      readEvent: provider.readEvent,
      limits(headers) {
        const usage = provider.readUsage({ ...answer, headers, receivedAt: world.now() })
        pool.observe(id, usage)
      },
      complete: () => pool.succeeded(id, answer.sentAt),
      failed(error) {
        report.failedInStream({ ...answer, ...error, receivedAt: world.now() }, credential)
      },
      released,
    },
    response,
  )
  switch (opened.kind) {
    case 'open':
      return opened.response
    case 'failed':
      return refusalInStream(response, opened.error)
    case 'lost': {
      const body = provider.errorBody({ type: 'api_error', message: opened.error.message })
      return refusalInStream(response, { status: LOST_STATUS, body })
    }
  }
}
