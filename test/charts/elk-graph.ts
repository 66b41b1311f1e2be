import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk.bundled.js'
import { type Arrow, type Chart, type State, statesOf } from './chart.ts'
import { LINE_PX, PADDING_PX, type Size, TITLE_PX, anySize, labelSize, sizeOf } from './sizes.ts'
import { stateLines } from './words.ts'

/** The way from a state to the next; in small groups it is always down. */
export type Direction = 'DOWN' | 'RIGHT'

/** What ELK is to lay out. Nodes have the ids of the states, edges those of `idOfArrow`. */
export function graphOf(chart: Chart, direction: Direction): ElkNode {
  return {
    id: '',
    layoutOptions: ROOT_OPTIONS,
    children: [nodeOf(chart.root, { chart, direction }, false)],
    edges: [...chart.arrows.map(edgeOf), ...statesOf(chart.root).flatMap(initialEdges)],
  }
}

export function idOfArrow({ from, to }: Arrow): string {
  return `${from} ${to}`
}

/** After the id of a state: the dot before the first one inside. */
export const INITIAL = '#initial'
/** After the id of an arrow: the box that it starts from. */
export const ANY = '#any'

const DOT_PX = 12
/** Between the ends of two arrows at one box. */
const ARROW_PX = 12

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
  return { id: idOfArrow(arrow) + ANY, ...anySize(arrow) }
}

const FIRST: LayoutOptions = { 'elk.layered.layering.layerConstraint': 'FIRST' }

/** Large enough for all its arrows side by side: most of them end on one side. */
function withRoom(size: Size, { id }: State, { chart, direction }: Drawing): Size {
  const ends = chart.arrows.filter(({ from, to }) => from === id || to === id).length
  const room = ends * ARROW_PX
  return direction === 'RIGHT'
    ? { ...size, height: Math.max(size.height, room) }
    : { ...size, width: Math.max(size.width, room) }
}

function edgeOf(arrow: Arrow): ElkExtendedEdge {
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

function initialEdges(state: State): ElkExtendedEdge[] {
  if (state.initial === undefined) return []
  const from = state.id + INITIAL
  return [{ id: from, sources: [from], targets: [state.initial] }]
}
