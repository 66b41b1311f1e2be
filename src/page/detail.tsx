import type { AccountPicture, Happening } from '../inspect/picture.ts'
import { Chart } from './chart.tsx'
import { Moment } from './moment.tsx'
import { reasonsOf } from './reasons.ts'
import { rowsOf } from './timeline-rows.ts'
import { badgeOf, regionsOf } from './words.ts'

interface DetailProps {
  readonly account: AccountPicture
  readonly timeline: readonly Happening[]
  readonly now: number
  readonly id: string
}

/** The chosen account: where its machines stand, and why. */
export function Detail({ account, timeline, now, id }: DetailProps) {
  const { label, states } = account
  const charts = ['account', 'refresh'].filter((machine) =>
    states.some((state) => state.startsWith(`${machine}.`)),
  )
  const last = rowsOf(timeline, account.id).slice(0, MOST_ROWS)
  return (
    <li class="detail" id={id}>
      <section aria-label={`${label}, in detail`}>
        <div class="detail-why">
          <div>
            <h5>
              Why <bdi>{label}</bdi> is {badgeOf(account).word}
            </h5>
            <ul role="list">
              {reasonsOf(account, now).map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
          </div>
          {last.length > 0 && (
            <div>
              <h5>What happened to it</h5>
              <ol role="list">
                {last.map(({ at, words }) => (
                  <li key={`${at} ${words}`}>
                    <Moment at={at} now={now} seconds />
                    <span>{words}</span>
                  </li>
                ))}
              </ol>
            </div>
          )}
        </div>
        <div class="detail-charts">
          <h5>Its machine now</h5>
          <p class="states">{regionsOf(states)}</p>
          {charts.map((machine) => (
            <Chart key={machine} machine={machine} states={states} of={label} />
          ))}
        </div>
      </section>
    </li>
  )
}

const MOST_ROWS = 5
