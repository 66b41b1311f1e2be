import { Fragment } from 'preact'
import { useRef } from 'preact/hooks'
import type { PoolPicture } from '../inspect/picture.ts'
import { Card } from './card.tsx'
import { Detail } from './detail.tsx'
import { stepFrom } from './steps.ts'

interface AccountsProps {
  readonly pool: PoolPicture
  readonly now: number
  readonly chosen: string | undefined
  readonly onChoose: (id: string | undefined) => void
}

/** The cards; arrow keys lead from one to the next, and the chosen one opens below its row. */
export function Accounts({ pool, now, chosen, onChoose }: AccountsProps) {
  const { provider, name, accounts, timeline } = pool
  const list = useRef<HTMLUListElement>(null)

  function onKeyDown(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>('.card button') ?? [])]
    const from = buttons.findIndex((button) => button === event.target)
    if (from === -1) return
    if (event.key === 'Escape') return onChoose(undefined)
    const places = buttons.map((button) => button.closest('li')?.getBoundingClientRect() ?? NOWHERE)
    const to = stepFrom(places, from, event.key)
    if (to === undefined) return
    event.preventDefault()
    buttons[to]?.focus()
  }

  return (
    <>
      <h3 class="visually-hidden">{name} accounts</h3>
      {/* Safari takes the list away from a list without marks, unless it is said. */}
      <ul class="cards" role="list" ref={list} onKeyDown={onKeyDown}>
        {accounts.map((account, at) => {
          const isOpen = account.id === chosen
          const panel = `${provider}-${at}-detail`
          const choose = () => onChoose(isOpen ? undefined : account.id)
          return (
            <Fragment key={account.id}>
              <Card account={account} now={now} isOpen={isOpen} panel={panel} onChoose={choose} />
              {isOpen && <Detail account={account} timeline={timeline} now={now} id={panel} />}
            </Fragment>
          )
        })}
      </ul>
    </>
  )
}

const NOWHERE = { left: 0, top: 0 }
