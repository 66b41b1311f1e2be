import elk, { type ElkNode } from 'elkjs/lib/elk.bundled.js'
import type { Arrow, Chart, State } from './chart.ts'
import { ANY, type Direction, INITIAL, graphOf, idOfArrow } from './elk-graph.ts'
import type { Size } from './sizes.ts'
import { type Line, labelLines, stateLines } from './words.ts'

/** Where everything of a chart stands, in pixels from its upper left corner. */
export interface Layout {
  readonly width: number
  readonly height: number
  /** Each before those inside it. */
  readonly boxes: readonly Box[]
  /** The dots before first states, and the boxes that stand for any state of the one around. */
  readonly marks: readonly Mark[]
  readonly wires: readonly Wire[]
}

export interface Rectangle extends Size {
  readonly x: number
  readonly y: number
}

export interface Box extends Rectangle {
  readonly state: State
  readonly isRegion: boolean
  readonly lines: readonly string[]
}

export interface Mark extends Rectangle {
  /** Undefined for a dot. */
  readonly arrow: Arrow | undefined
  readonly lines: readonly Line[]
}

export interface Wire {
  /** Undefined where a state is entered first. */
  readonly arrow: Arrow | undefined
  readonly to: string
  readonly points: readonly Point[]
  readonly label: (Rectangle & { readonly lines: readonly Line[] }) | undefined
}

export interface Point {
  readonly x: number
  readonly y: number
}

export async function layoutOf(chart: Chart, direction: Direction): Promise<Layout> {
  const arrows = new Map(chart.arrows.map((arrow) => [idOfArrow(arrow), arrow]))
  const placed: ElkNode = await new elk.default().layout(graphOf(chart, direction))
  const places = new Map(flat(placed).map((node) => [node.id, rectangleOf(node)]))
  return {
    width: round(placed.width),
    height: round(placed.height),
    boxes: boxesOf(chart.root, places, false),
    marks: [...places].flatMap(([id, place]) => markOf(id, place, arrows)),
    wires: (placed.edges ?? []).map(({ id, sections, labels, targets }) => {
      const section = sections?.[0]
      const label = labels?.[0]
      const arrow = arrows.get(id)
      const ends = [section?.startPoint, ...(section?.bendPoints ?? []), section?.endPoint]
      return {
        arrow,
        to: targets[0] ?? '',
        points: ends.flatMap((end) => (end ? [{ x: round(end.x), y: round(end.y) }] : [])),
        label:
          arrow === undefined || label === undefined
            ? undefined
            : { ...rectangleOf(label), lines: labelLines(arrow.triggers) },
      }
    }),
  }
}

function flat(node: ElkNode): ElkNode[] {
  return (node.children ?? []).flatMap((child) => [child, ...flat(child)])
}

function boxesOf(
  state: State,
  places: ReadonlyMap<string, Rectangle>,
  isRegion: boolean,
): readonly Box[] {
  const place = places.get(state.id)
  if (place === undefined) throw new Error(`the layout has no place for ${state.id}`)
  const inner = state.states.flatMap((each) => boxesOf(each, places, state.type === 'parallel'))
  return [{ ...place, state, isRegion, lines: stateLines(state) }, ...inner]
}

function markOf(id: string, place: Rectangle, arrows: ReadonlyMap<string, Arrow>): Mark[] {
  const arrow = id.endsWith(ANY) ? arrows.get(id.slice(0, -ANY.length)) : undefined
  if (arrow !== undefined) {
    return [{ ...place, arrow, lines: labelLines(arrow.triggers) }]
  }
  return id.endsWith(INITIAL) ? [{ ...place, arrow, lines: [] }] : []
}

function rectangleOf(shape: Partial<Rectangle>): Rectangle {
  const { x, y, width, height } = shape
  return { x: round(x), y: round(y), width: round(width), height: round(height) }
}

/** Whole half pixels: the same on every machine, and sharp. */
function round(value = 0): number {
  return Math.round(value * 2) / 2
}
