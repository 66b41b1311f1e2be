import type { AccountPicture } from '../inspect/picture.ts'
import { type Bar, barsOf, usageAge } from './bars.ts'
import { Label } from './label.tsx'
import { Mark } from './mark.tsx'
import { Moment } from './moment.tsx'
import { returnOf } from './reasons.ts'
import { ago, countdown, machineTime } from './time.ts'
import { badgeOf, loadOf, planOf, sentence } from './words.ts'

interface CardProps {
  readonly account: AccountPicture
  readonly now: number
  readonly isOpen: boolean
  /** The id of what the card opens. */
  readonly panel: string
  readonly onChoose: () => void
}

/** One account at a glance. */
export function Card({ account, now, isOpen, panel, onChoose }: CardProps) {
  const { label, active, state, why, since, lastError } = account
  const { tone, word } = badgeOf(account)
  return (
    <li class="card" data-tone={tone} data-open={isOpen} onClick={onChoose}>
      <div class="card-head">
        <h4>
          <button type="button" aria-expanded={isOpen} aria-controls={isOpen ? panel : undefined}>
            <Label label={label} />
          </button>
        </h4>
        {active && <p class="in-use">in use</p>}
      </div>
      <p class="standing">
        <span class="badge">
          <Mark tone={tone} /> {word}
        </span>
        <span class="aside">{planOf(account)}</span>
      </p>
      <p class="state">
        <Return account={account} now={now} />
        {state !== 'active' && <span class="why">{sentence(why)}</span>}
        {since > 0 && (
          <span class="since">
            {word} since <Moment at={since} now={now} />
          </span>
        )}
      </p>
      <Bars account={account} now={now} />
      <p class="load">
        {loadOf(account).map((part) => (
          <span key={part}>{part}</span>
        ))}
      </p>
      {lastError !== undefined && (
        <p class="last-error">
          <span class="aside">Last refusal {ago(now - lastError.at)}</span> {lastError.words}
        </p>
      )}
    </li>
  )
}

/** Counts down to the moment at which the account is back. */
function Return({ account, now }: { readonly account: AccountPicture; readonly now: number }) {
  const at = returnOf(account)
  if (at === undefined) return null
  const word = account.state === 'authFailing' ? 'tried again' : 'back'
  return (
    <span class="return">
      {word}{' '}
      <time class="countdown" dateTime={machineTime(at)}>
        {at <= now ? 'any moment' : `in ${countdown(at - now)}`}
      </time>
    </span>
  )
}

function Bars({ account, now }: { readonly account: AccountPicture; readonly now: number }) {
  const bars = barsOf(account, now)
  const age = usageAge(account, now)
  if (bars.length === 0) return null
  return (
    <div class="bars">
      {bars.map((bar) => (
        <UsageBar key={bar.window} bar={bar} />
      ))}
      {age !== '' && <p class="aside">{age}</p>}
    </div>
  )
}

function UsageBar({ bar: { name, percent, share, level, reset } }: { readonly bar: Bar }) {
  return (
    <div class="bar" data-level={level}>
      <span class="bar-name">{name}</span>
      <span class="bar-share">{share}</span>
      <svg
        class="bar-line"
        role="meter"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(percent)}
        aria-valuetext={`${share} used`}
      >
        <rect class="bar-track" width="100%" height="100%" rx="3" />
        <rect class="bar-fill" width={`${percent}%`} height="100%" rx="3" />
      </svg>
      {reset !== '' && <span class="bar-reset">{reset}</span>}
    </div>
  )
}
