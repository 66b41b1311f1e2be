import { type Arrow, type Chart, type State, statesOf } from './chart.ts'
import { labelLines, stateLines } from './words.ts'

/** The chart as Mermaid's `stateDiagram-v2`, which GitHub draws. */
export function mermaidOf(chart: Chart): string {
  const names = namesOf(chart)
  const draw: Drawing = { chart, nameOf: (id) => names.get(id) ?? id }
  // Regions side by side must stand inside a state.
  const lines =
    chart.root.type === 'parallel'
      ? boxOf(chart.root, draw).map((line) => INDENT + line)
      : insideOf(chart.root, draw)
  return ['stateDiagram-v2', ...lines, ''].join('\n')
}

interface Drawing {
  readonly chart: Chart
  readonly nameOf: (id: string) => string
}

const INDENT = '  '
/** Mermaid cannot lead an arrow from a state to one inside it: it starts at a box of its own. */
const ANY = '_any'

function insideOf(state: State, draw: Drawing): string[] {
  const { nameOf } = draw
  // What has states inside comes first: Mermaid fails on some that come later.
  const nested = state.states.filter(({ states }) => states.length > 0)
  const plain = state.states.filter(({ states }) => states.length === 0)
  const own = [...anyOf(state, draw), ...initialOf(state, nameOf)]
  const parts = [...[...nested, ...plain].map((inner) => boxOf(inner, draw)), own]
  const isDivided = state.type === 'parallel'
  const inside = parts
    .filter((part) => part.length > 0)
    .flatMap((part, place) => (isDivided && place > 0 ? ['--', ...part] : part))
  const arrows = draw.chart.arrows
    .filter((arrow) => homeOf(arrow, draw.chart) === state.id)
    .map((arrow) => arrowOf(arrow, nameOf))
  return [...inside, ...arrows].map((line) => INDENT + line)
}

function boxOf(state: State, draw: Drawing): string[] {
  const name = draw.nameOf(state.id)
  if (state.states.length > 0) {
    return [`state ${quoted(state.name)} as ${name} {`, ...insideOf(state, draw), '}']
  }
  return [
    `state ${quoted(state.name)} as ${name}`,
    ...stateLines(state).map((line) => `${name} : ${escaped(line)}`),
    ...(state.type === 'final' ? [`${name} --> [*]`] : []),
  ]
}

/** Stands for a state with states inside: what it does wherever it is, and where that leads. */
function anyOf(state: State, draw: Drawing): string[] {
  const lines = state.states.length > 0 ? stateLines(state) : []
  const leads = draw.chart.arrows.some(({ from, isFromAny }) => isFromAny && from === state.id)
  if (lines.length === 0 && !leads) return []
  const name = draw.nameOf(state.id) + ANY
  const isAny = leads || state.reactions.length > 0
  const title = isAny ? `any state of ${state.name}` : `${state.name} as a whole`
  return [`state ${quoted(title)} as ${name}`, ...lines.map((line) => `${name} : ${escaped(line)}`)]
}

function initialOf(state: State, nameOf: Drawing['nameOf']): string[] {
  return state.initial === undefined ? [] : [`[*] --> ${nameOf(state.initial)}`]
}

function arrowOf(arrow: Arrow, nameOf: Drawing['nameOf']): string {
  const from = nameOf(arrow.from) + (arrow.isFromAny ? ANY : '')
  const label = labelLines(arrow.triggers).map(({ text }) => escaped(text.trim()))
  return `${from} --> ${nameOf(arrow.to)} : ${label.join('<br/>')}`
}

/** The innermost state that holds both ends: there Mermaid wants the arrow. */
function homeOf({ from, to, isFromAny }: Arrow, chart: Chart): string {
  const holders = statesOf(chart.root).filter(
    ({ id }) =>
      (from.startsWith(`${id}.`) || (isFromAny && from === id)) && to.startsWith(`${id}.`),
  )
  return holders.at(-1)?.id ?? chart.root.id
}

/** Names of letters, digits and `_`: unlike the ids, Mermaid takes them anywhere. */
function namesOf(chart: Chart): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  const taken = new Set<string>()
  for (const { id } of statesOf(chart.root)) {
    const plain = id.replaceAll(/[^A-Za-z0-9]/g, '_')
    let name = plain
    for (let count = 2; taken.has(name); count += 1) name = `${plain}_${count}`
    taken.add(name)
    names.set(id, name)
  }
  return names
}

function quoted(text: string): string {
  return `"${escaped(text)}"`
}

/** All but harmless characters as Mermaid's numbered entities. */
function escaped(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 .,_/()[\]]/gu, (char) => `#${char.codePointAt(0)};`)
}
