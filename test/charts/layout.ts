import elk, { type ElkNode, type LayoutOptions } from 'elkjs/lib/elk.bundled.js'
import { type Arrow, type Chart, type State, statesOf } from './chart.ts'
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

export interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Box extends Rectangle {
  readonly state: State
  readonly isRegion: boolean
  readonly lines: readonly string[]
}

export interface Mark extends Rectangle {
  readonly kind: 'initial' | 'any'
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

export type Direction = 'DOWN' | 'RIGHT'

export const LINE_PX = 16
export const TITLE_PX = 30
export const PADDING_PX = 12

/** `direction`: the way from a state to the next; in small groups it is always down. */
export async function layoutOf(chart: Chart, direction: Direction): Promise<Layout> {
  const arrows = new Map(chart.arrows.map((arrow) => [idOfArrow(arrow), arrow]))
  const graph: ElkNode = {
    id: '',
    layoutOptions: ROOT_OPTIONS,
    children: [nodeOf(chart.root, { chart, direction }, false)],
    edges: [...chart.arrows.map(edgeOf), ...statesOf(chart.root).flatMap(initialEdges)],
  }
  const placed: ElkNode = await new elk.default().layout(graph)
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

/** Wider than the widest fonts that a browser may take, so that no text leaves its box. */
const TITLE_CHAR_PX = 9.4
const LINE_CHAR_PX = 6.8
const DOT_PX = 12
/** Between the ends of two arrows at one box. */
const ARROW_PX = 12
const INITIAL = '#initial'
const ANY = '#any'

const ROOT_OPTIONS: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.padding': '[top=8,left=8,bottom=8,right=8]',
}

const OPTIONS: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.randomSeed': '1',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '12',
  'elk.spacing.labelLabel': '8',
  'elk.layered.spacing.nodeNodeBetweenLayers': '24',
  'elk.layered.spacing.edgeNodeBetweenLayers': '14',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
  'elk.separateConnectedComponents': 'false',
}

interface Drawing {
  readonly chart: Chart
  readonly direction: Direction
}

function nodeOf(state: State, draw: Drawing, isRegion: boolean): ElkNode {
  const size = sizeOf(state)
  const alignment = draw.direction === 'DOWN' ? 'TOP' : 'LEFT'
  const place: LayoutOptions = isRegion ? { 'elk.alignment': alignment } : {}
  if (state.states.length === 0) {
    const { width, height } = withRoom(size, state, draw)
    return { id: state.id, width, height, layoutOptions: place }
  }
  const header = TITLE_PX + stateLines(state).length * LINE_PX
  return {
    id: state.id,
    layoutOptions: {
      ...OPTIONS,
      ...place,
      ...hierarchyOf(state, draw, isRegion),
      'elk.padding': `[top=${header + PADDING_PX},left=16,bottom=16,right=16]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${size.width},${size.height})`,
    },
    children: [
      ...draw.chart.arrows
        .filter((arrow) => arrow.isFromAny && arrow.from === state.id)
        .map(anyNode),
      ...(state.initial === undefined
        ? []
        : [{ id: state.id + INITIAL, width: DOT_PX, height: DOT_PX, layoutOptions: FIRST }]),
      ...state.states.map((inner) => nodeOf(inner, draw, state.type === 'parallel')),
    ],
  }
}

/** What no arrow enters or leaves but at its border is laid out for itself. */
function hierarchyOf(
  state: State,
  { chart, direction }: Drawing,
  isRegion: boolean,
): LayoutOptions {
  if (statesOf(state).some((inner) => isCrossed(inner.id, chart))) {
    return {
      'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
      'elk.direction': direction,
      'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
      'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
    }
  }
  const isSmall = state.states.every(({ states }) => states.length === 0)
  return {
    'elk.hierarchyHandling': 'SEPARATE_CHILDREN',
    'elk.direction': isSmall && !isRegion ? 'DOWN' : direction,
    'elk.layered.nodePlacement.strategy': 'LINEAR_SEGMENTS',
    // The order of the machine. Above it is left out: ELK fails on it there.
    'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  }
}

function isCrossed(state: string, chart: Chart): boolean {
  const isInside = (id: string) => id.startsWith(`${state}.`)
  return chart.arrows.some(
    ({ from, to, isFromAny }) =>
      isInside(from) !== isInside(to) && !(isFromAny && from === state && isInside(to)),
  )
}

/** The triggers stand in the box, so that the arrow is short and has no label. */
function anyNode(arrow: Arrow): ElkNode {
  const { width, height } = labelSize(arrow)
  return { id: idOfArrow(arrow) + ANY, width, height: height + LINE_PX }
}

const FIRST: LayoutOptions = { 'elk.layered.layering.layerConstraint': 'FIRST' }

type Size = Pick<Rectangle, 'width' | 'height'>

function sizeOf(state: State): Size {
  const lines = stateLines(state)
  const widest = Math.max(
    textWidth(state.name, TITLE_CHAR_PX),
    ...lines.map((line) => textWidth(line, LINE_CHAR_PX)),
  )
  const below = lines.length > 0 ? lines.length * LINE_PX + PADDING_PX : 4
  return { width: widest + 2 * PADDING_PX, height: TITLE_PX + below }
}

/** Large enough for all its arrows side by side: most of them end on one side. */
function withRoom(size: Size, { id }: State, { chart, direction }: Drawing): Size {
  const ends = chart.arrows.filter(({ from, to }) => from === id || to === id).length
  const room = ends * ARROW_PX
  return direction === 'RIGHT'
    ? { ...size, height: Math.max(size.height, room) }
    : { ...size, width: Math.max(size.width, room) }
}

function edgeOf(arrow: Arrow) {
  const id = idOfArrow(arrow)
  if (arrow.isFromAny) return { id, sources: [id + ANY], targets: [arrow.to] }
  const layoutOptions = { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' }
  // Without a text ELK forgets the label.
  const label = { text: id, ...labelSize(arrow), layoutOptions }
  return {
    id,
    sources: [arrow.from],
    targets: [arrow.to],
    labels: [label],
    layoutOptions: arrow.triggers.some(({ event }) => event === 'always') ? SHORT : {},
  }
}

/** What follows at once stands close by. */
const SHORT: LayoutOptions = { 'elk.layered.priority.shortness': '10' }

function labelSize({ triggers }: Arrow): Size {
  const lines = labelLines(triggers)
  const widest = Math.max(...lines.map(({ text }) => textWidth(text, LINE_CHAR_PX)))
  return { width: widest + PADDING_PX, height: lines.length * LINE_PX + 4 }
}

function initialEdges(state: State) {
  if (state.initial === undefined) return []
  const from = state.id + INITIAL
  return [{ id: from, sources: [from], targets: [state.initial] }]
}

function idOfArrow({ from, to }: Arrow): string {
  return `${from} ${to}`
}

function textWidth(text: string, charWidth: number): number {
  return Math.ceil(text.length * charWidth)
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
    return [{ ...place, kind: 'any', arrow, lines: labelLines(arrow.triggers) }]
  }
  return id.endsWith(INITIAL) ? [{ ...place, kind: 'initial', arrow, lines: [] }] : []
}

function rectangleOf(shape: Partial<Rectangle>): Rectangle {
  const { x, y, width, height } = shape
  return { x: round(x), y: round(y), width: round(width), height: round(height) }
}

/** Whole half pixels: the same on every machine, and sharp. */
function round(value = 0): number {
  return Math.round(value * 2) / 2
}
