import { useEffect, useRef, useState } from 'preact/hooks'
import { regionsOf } from './words.ts'

interface ChartProps {
  readonly machine: string
  readonly states: readonly string[]
  /** Whose machine it is. */
  readonly of: string
}

/** A statechart as the build has put it into the page, with the states that are live now. */
export function Chart({ machine, states, of }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null)
  const drawing = useRef<HTMLDivElement>(null)
  const [isWhole, setWhole] = useState(true)
  const live = states.filter((state) => state.startsWith(`${machine}.`))
  const key = live.join(' ')
  const name = isWhole ? `${machine}-overview` : machine

  useEffect(() => {
    const template = document.getElementById(`chart-${name}`)
    if (!(template instanceof HTMLTemplateElement)) return
    drawing.current?.replaceChildren(document.importNode(template.content, true))
  }, [name])
  useEffect(() => {
    for (const node of drawing.current?.querySelectorAll('[data-id], [data-of]') ?? []) {
      highlight(node, live)
    }
    showLive(frame.current)
  }, [name, key])

  // Where the chart is larger than its frame, it scrolls, also by the keyboard.
  return (
    <div class="chart-box">
      <div
        class="chart"
        data-view={isWhole ? 'whole' : 'labels'}
        role="img"
        aria-label={`Statechart of ${of} (${machine}): ${regionsOf(live)}`}
        tabIndex={0}
        ref={frame}
      >
        <div ref={drawing} aria-hidden="true" />
      </div>
      <button type="button" class="more" onClick={() => setWhole(!isWhole)}>
        {isWhole ? 'Show every event and guard' : 'Show the whole chart'}
      </button>
    </div>
  )
}

/** A box has its state's name as `data-id`, the words in it as `data-of`. */
function highlight(node: Element, live: readonly string[]): void {
  const id = node.getAttribute('data-id') ?? node.getAttribute('data-of') ?? ''
  if (live.includes(id)) node.setAttribute('data-live', '')
  else node.removeAttribute('data-live')
}

/** Scrolls the chart, and nothing else, to its first live state. */
function showLive(frame: HTMLElement | null): void {
  const nodes = frame?.querySelectorAll('[data-id][data-live]') ?? []
  // What is inside of another live state comes after it, and is what matters.
  const node = [...nodes].findLast((each) =>
    each.getAttribute('data-id')?.startsWith(region(nodes)),
  )
  if (frame === null || node === undefined) return
  const [outer, inner] = [frame.getBoundingClientRect(), node.getBoundingClientRect()]
  frame.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2)
  frame.scrollTop += inner.top + inner.height / 2 - (outer.top + outer.height / 2)
}

/** The region of the first one: "account.availability". */
function region(nodes: Iterable<Element>): string {
  const [first] = nodes
  return (first?.getAttribute('data-id') ?? '').split('.').slice(0, 2).join('.')
}
