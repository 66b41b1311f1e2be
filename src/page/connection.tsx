import type { LinkState } from './link.ts'
import { Moment } from './moment.tsx'
import { clock } from './time.ts'

interface ConnectionProps {
  readonly link: LinkState
  readonly pid: number | undefined
  readonly now: number
  readonly skew: number
}

/** How the page stands to its process: seen by all, and told once to who listens. */
export function Connection({ link, pid, now, skew }: ConnectionProps) {
  return (
    <div class="connection">
      <p class="visually-hidden" role="status">
        {spoken(link, now - skew)}
      </p>
      {link.kind === 'lost' ? (
        <section class="notice is-lost" aria-label="Connection">
          <p>
            <strong>
              Not connected since <Moment at={link.since} now={now - skew} seconds />.
            </strong>{' '}
            {pid === undefined ? 'OpenCode does not' : `OpenCode process ${pid} does not`} answer.
            What you see is from before; the page goes on by itself as soon as it can.
          </p>
          <p class="aside">If that OpenCode was closed, open the page of another one.</p>
        </section>
      ) : (
        <p class="pulse" data-kind={link.kind} aria-hidden="true">
          <span class="dot" /> {shown(link, now - skew)}
        </p>
      )}
    </div>
  )
}

/** How long the page says that it is connected again. */
const NEWS_MS = 8_000

function isNews(link: LinkState, here: number): boolean {
  return link.kind === 'live' && link.backAt > 0 && here - link.backAt < NEWS_MS
}

function shown(link: LinkState, here: number): string {
  if (link.kind === 'opening') return 'Connecting'
  return isNews(link, here) ? 'Connected again' : 'Live'
}

function spoken(link: LinkState, here: number): string {
  if (link.kind === 'lost') {
    return `Not connected since ${clock(link.since, here, true)}. The page goes on by itself as soon as it can.`
  }
  return isNews(link, here) ? 'Connected again.' : ''
}
