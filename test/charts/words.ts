import { type State, type Trigger, isIgnored } from './chart.ts'

/** Characters after which a label or a line in a box goes on in the next one. */
const LONGEST_LABEL = 28
const LONGEST_LINE = 40
const INDENT = '  '

/** What stands at an arrow: one line for each event, and one for each of several guards. */
export function labelLines(triggers: readonly Trigger[]): readonly Line[] {
  return runsOf(triggers).flatMap((run) => {
    const [first, ...others] = run
    if (first === undefined) return []
    const whole = `${first.label} ${condition(first)}`.trim()
    if (others.length === 0 && whole.length <= LONGEST_LABEL) {
      return [{ text: whole, trigger: first }]
    }
    return [
      { text: first.label, trigger: first },
      ...run.flatMap((trigger) =>
        wrapped(condition(trigger), LONGEST_LABEL).map((text) => ({
          text: INDENT + text,
          trigger,
        })),
      ),
    ]
  })
}

/** A line of a label and the transition that it is of. */
export interface Line {
  readonly text: string
  readonly trigger: Trigger
}

/** What stands in the box of a state, below its name. */
export function stateLines(state: State): readonly string[] {
  const ignored = state.reactions.filter(isIgnored).map(({ label }) => label)
  return [
    ...(state.tags.length > 0 ? [state.tags.map((tag) => `#${tag}`).join(' ')] : []),
    ...state.entry.map((action) => `entry / ${action}`),
    ...state.exit.map((action) => `exit / ${action}`),
    ...state.invokes.map((actor) => `invoke ${actor}`),
    ...state.reactions.filter((trigger) => !isIgnored(trigger)).map(reaction),
    ...(ignored.length > 0 ? [`ignores ${ignored.join(', ')}`] : []),
  ].flatMap((line) => wrapped(line, LONGEST_LINE))
}

/** The whole transition in one line: `request.limited [isLast] / disable`. */
export function sentence(trigger: Trigger): string {
  const effect = trigger.actions.length > 0 ? `/ ${trigger.actions.join(', ')}` : ''
  return [trigger.label, condition(trigger), effect].filter((part) => part !== '').join(' ')
}

/** Breaks at spaces, but not after `/`; what has none stays whole. Later lines are indented. */
function wrapped(text: string, longest: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(/(?<!\/) /)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= longest) {
      lines[lines.length - 1] = `${last} ${word}`
    } else {
      lines.push(last === undefined ? word : INDENT + word)
    }
  }
  return lines.filter((line) => line.trim() !== '')
}

function reaction(trigger: Trigger): string {
  return trigger.actions.length > 0 ? sentence(trigger) : `${sentence(trigger)} / nothing`
}

function condition({ guard, rank }: Trigger): string {
  return guard === undefined ? '' : `${rank === undefined ? '' : `${rank} `}[${guard}]`
}

/** Neighbours that share their event. */
function runsOf(triggers: readonly Trigger[]): readonly (readonly Trigger[])[] {
  const runs: Trigger[][] = []
  for (const trigger of triggers) {
    const run = runs.at(-1)
    if (run?.[0]?.event === trigger.event) run.push(trigger)
    else runs.push([trigger])
  }
  return runs
}
