import { describe, expect, it } from 'vitest'
import { type AnyStateMachine, type AnyStateNode, createMachine } from 'xstate'
import { readChart } from './chart.ts'
import type { Direction } from './elk-graph.ts'
import { DRAWN } from './files.ts'
import { type Rectangle, layoutOf } from './layout.ts'
import { mermaidOf } from './mermaid.ts'
import { svgOf } from './svg.ts'

/** Names that both languages would take for something else. */
const HOSTILE = createMachine({
  id: 'hostile',
  initial: 'end',
  states: {
    end: {
      entry: { type: 'say "<b>"' },
      on: { 'a --> b : c;\n}': { target: 'note </text><script>' }, '%% & "#1;': {} },
    },
    'note </text><script>': { on: { '<': 'end', '*': { target: 'a_b' } } },
    a_b: { always: { target: 'a-b', guard: ']' } },
    'a-b': { after: { 1000: 'end' } },
  },
})

/** Where the words of an arrow stand. */
const WORDS = /^class="rota-chart-(label|any)"/

const MACHINES = [...DRAWN.map(({ machine }) => machine), HOSTILE]

describe.each(MACHINES.map((machine) => [machine.id, machine] as const))(
  'the charts of %s',
  (_, machine) => {
    it('have every state', async () => {
      const [svg, mermaid] = [await draw(machine), mermaidOf(readChart(machine))]
      const states = nodesOf(machine.root)
      expect([...svg.matchAll(/ data-id="([^"]*)"/g)].map(([, id]) => id)).toEqual(
        states.map((node) => escaped(idOf(node))),
      )
      const inside = machine.root.type === 'parallel' ? states : states.slice(1)
      const boxes = [...mermaid.matchAll(/^ *state ".*" as (\w+?)( {|)$/gm)].map(([, name]) => name)
      expect(boxes.filter((name) => !name?.endsWith('_any')).length).toBe(inside.length)
      expect(new Set(boxes).size).toBe(boxes.length)
    })

    it('have every transition', async () => {
      const [svg, mermaid] = [await draw(machine), mermaidOf(readChart(machine))]
      const arrows = transitionsOf(machine).flatMap(({ from, to, event }) =>
        to.map((target) => ({ from: idOf(from), to: idOf(target), event })),
      )
      expect(arrows.length).toBeGreaterThan(0)
      const edges = [...svg.matchAll(/class="rota-chart-edge" data-from="(.*?)" data-to="(.*?)"/g)]
      expect(new Set(edges.map(([, from, to]) => `${from} ${to}`))).toEqual(
        new Set(pairsOf(arrows).map(escaped)),
      )
      expect(edges.length).toBe(pairsOf(arrows).length)
      for (const { from, to, event } of arrows) {
        const places = `data-from="${escaped(from)}" data-to="${escaped(to)}"`
        const words = svg.split('<g ').find((group) => WORDS.test(group) && group.includes(places))
        expect(words).toContain(`data-event="${escaped(event)}"`)
      }
      const lines = mermaid.match(/^ *\w+ --> \w+ : .*$/gm) ?? []
      expect(lines.length).toBe(pairsOf(arrows).length)
    })

    it('say what a state reacts to without leaving it', async () => {
      const [svg, mermaid] = [await draw(machine), mermaidOf(readChart(machine))]
      for (const { from, to, event } of transitionsOf(machine)) {
        if (to.length > 0 || event.startsWith('xstate.')) continue
        const head = svg
          .split('<g ')
          .find((group) => group.includes(`data-of="${escaped(idOf(from))}"`))
        const first = event.split(' ')[0] ?? ''
        expect(head).toContain(escaped(first))
        expect(mermaid).toContain(first.replaceAll('%', '#37;').replaceAll('*', '#42;'))
      }
    })

    it('let no two boxes meet, and keep inner ones inside', async () => {
      const { boxes, marks, wires } = await layoutOf(readChart(machine), directionOf(machine))
      const leaves = boxes.filter(({ state }) => state.states.length === 0)
      const labels = wires.flatMap(({ label }) => (label === undefined ? [] : [label]))
      const apart = [...leaves, ...marks, ...labels]
      for (const [place, one] of apart.entries()) {
        for (const other of apart.slice(place + 1)) expect(meet(one, other)).toBe(false)
      }
      for (const { state, ...outer } of boxes) {
        for (const inner of boxes.filter((box) => state.states.includes(box.state))) {
          expect(inner.x > outer.x && inner.x + inner.width < outer.x + outer.width).toBe(true)
          expect(inner.y > outer.y && inner.y + inner.height < outer.y + outer.height).toBe(true)
        }
      }
    })
  },
)

describe('names that mean something to SVG or Mermaid', () => {
  it('are words in the SVG', async () => {
    const svg = await draw(HOSTILE)
    expect(svg).not.toContain('<script')
    expect(svg.replaceAll(/<style>[^]*?<\/style>/g, '').match(/&(?!#\d+;)/)).toBeNull()
    expect(svg.match(/<text/g)?.length).toBe(svg.match(/<\/text>/g)?.length)
  })

  it('are words in Mermaid', () => {
    const mermaid = mermaidOf(readChart(HOSTILE))
    expect(mermaid).not.toMatch(/<(?!br\/>)/)
    expect(mermaid).not.toContain('%%')
    for (const line of mermaid.split('\n').slice(1, -1)) {
      expect(line).toMatch(
        /^ +(state "[^"]*" as \w+|(\[\*\]|\w+) --> (\[\*\]|\w+)( : .+)?|\w+ : .+)$/,
      )
    }
  })
})

describe('what a chart tells of a transition', () => {
  it('has the order of the guards, what they are asked for, and the rest', () => {
    const mermaid = mermaidOf(readChart(MACHINES[0] ?? HOSTILE))
    expect(mermaid).toContain('token.refreshFailed<br/>1 [isFailure dead]<br/>2 [isFailure lost]')
    expect(mermaid).toContain('always 5 [else]')
    expect(mermaid).toContain('after untilLimitReset')
  })

  it('names the ends of steps and times without a name', () => {
    expect(mermaidOf(readChart(HOSTILE))).toContain(' : after 1000 ms')
    const refresh = MACHINES.find(({ id }) => id === 'refresh') ?? HOSTILE
    expect(mermaidOf(readChart(refresh))).toContain(' : done<br/>error')
  })
})

async function draw(machine: AnyStateMachine): Promise<string> {
  const chart = readChart(machine)
  return svgOf(chart, await layoutOf(chart, directionOf(machine)), 'a machine')
}

function directionOf(machine: AnyStateMachine): Direction {
  return DRAWN.find((drawn) => drawn.machine === machine)?.direction ?? 'DOWN'
}

function meet(one: Rectangle, other: Rectangle): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  )
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)]
}

function transitionsOf(machine: AnyStateMachine) {
  return nodesOf(machine.root).flatMap((from) =>
    [...from.transitions.values(), from.always ?? []].flat().map(({ target, eventType }) => ({
      from,
      to: target ?? [],
      event: eventType === '' ? 'always' : eventType,
    })),
  )
}

function pairsOf(arrows: readonly { from: string; to: string }[]): string[] {
  return [...new Set(arrows.map(({ from, to }) => `${from} ${to}`))]
}

function idOf(node: AnyStateNode): string {
  return [node.machine.id, ...node.path].join('.')
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
