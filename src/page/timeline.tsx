import { useState } from 'preact/hooks'
import type { AccountPicture, Happening } from '../inspect/picture.ts'
import { KindMark } from './mark.tsx'
import { Moment } from './moment.tsx'
import { type TimelineRow, rowsOf } from './timeline-rows.ts'

interface TimelineProps {
  readonly provider: string
  readonly timeline: readonly Happening[]
  readonly accounts: readonly AccountPicture[]
  readonly now: number
}

/** What happened, newest first. */
export function Timeline({ provider, timeline, accounts, now }: TimelineProps) {
  const [filter, setFilter] = useState('')
  const [isLong, setLong] = useState(false)
  const only = accounts.some(({ id }) => id === filter) ? filter : undefined
  const rows = rowsOf(timeline, only)
  const labels = new Map(accounts.map(({ id, label }) => [id, label]))
  const shown = isLong ? rows : rows.slice(0, SHORT)
  return (
    <section class="timeline" id={`${provider}-timeline`} aria-labelledby={`${provider}-happened`}>
      <div class="aside-head">
        <h3 id={`${provider}-happened`}>What happened</h3>
        <label>
          <span class="visually-hidden">Show what happened to</span>
          <select
            value={only ?? ''}
            onChange={({ currentTarget }) => setFilter(currentTarget.value)}
          >
            <option value="">all accounts</option>
            {accounts.map(({ id, label }) => (
              <option key={id} value={id}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </div>
      {rows.length === 0 && <p class="aside">{nothing(only)}</p>}
      <ol role="list">
        {shown.map((row) => (
          <Row
            key={`${row.first} ${row.account} ${row.words}`}
            row={row}
            label={labels.get(row.account ?? '') ?? row.label}
            now={now}
          />
        ))}
      </ol>
      {rows.length > SHORT && (
        <button type="button" class="more" onClick={() => setLong(!isLong)}>
          {isLong ? 'Show fewer' : `Show all ${rows.length}`}
        </button>
      )}
    </section>
  )
}

const SHORT = 25

function Row({ row, label, now }: RowProps) {
  const { kind, at, first, times, words } = row
  return (
    <li data-kind={kind}>
      <Moment at={at} now={now} seconds />
      <KindMark kind={kind} />
      <span>
        {label !== undefined && label !== '' && (
          <>
            <bdi class="who">{label}</bdi>
            <span class="aside"> · </span>
          </>
        )}
        {words}
        {times > 1 && (
          <span class="aside">
            {' '}
            ({times} times since <Moment at={first} now={now} seconds />)
          </span>
        )}
      </span>
    </li>
  )
}

interface RowProps {
  readonly row: TimelineRow
  /** Of the account that it is about; undefined when it is about none. */
  readonly label: string | undefined
  readonly now: number
}

function nothing(only: string | undefined): string {
  return only === undefined
    ? 'No request has gone to an account since this OpenCode started.'
    : 'Nothing about this account since this OpenCode started.'
}
