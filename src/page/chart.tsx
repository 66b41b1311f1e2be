import { useEffect, useRef } from 'preact/hooks'
import { regionOf } from './words.ts'

interface ChartProps {
  readonly machine: string
  readonly states: readonly string[]
  /** Whose machine it is. */
  readonly of: string
}

/** A statechart as the build has put it into the page, with the states that are live now. */
export function Chart({ machine, states, of }: ChartProps) {
  const frame = useRef<HTMLDivElement>(null)
  const key = states.join(' ')
  const now = states.filter((state) => state.startsWith(`${machine}.`)).map(regionOf)
  const name = `Statechart of ${of} (${machine}): ${now.join(', ')}`

  useEffect(() => {
    const template = document.getElementById(`chart-${machine}`)
    if (!(template instanceof HTMLTemplateElement)) return
    frame.current?.replaceChildren(document.importNode(template.content, true))
  }, [machine])
  useEffect(() => {
    for (const node of frame.current?.querySelectorAll('[data-id]') ?? []) {
      highlight(node, states)
    }
    showLive(frame.current?.parentElement)
  }, [machine, key])

  // It may be wider than the screen: then it scrolls, also by the keyboard.
  return (
    <div class="chart" role="img" aria-label={name} tabIndex={0}>
      <div ref={frame} aria-hidden="true" />
    </div>
  )
}

function highlight(node: Element, states: readonly string[]): void {
  const id = node.getAttribute('data-id') ?? ''
  if (states.includes(id)) node.setAttribute('data-live', 'here')
  else if (states.some((state) => state.startsWith(`${id}.`)))
    node.setAttribute('data-live', 'around')
  else node.removeAttribute('data-live')
}

/** Scrolls the chart, and nothing else, to its first live state. */
function showLive(frame: HTMLElement | null | undefined): void {
  const node = frame?.querySelector('[data-live="here"]')
  if (!frame || !node) return
  const [outer, inner] = [frame.getBoundingClientRect(), node.getBoundingClientRect()]
  frame.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2)
}
