/** One atomic step from a state. */
export interface Move<State> {
  /** Who does what: a line of a trace. */
  readonly label: string
  readonly state: State
}

export interface Model<State> {
  readonly initial: State
  /** All steps that are possible now. */
  moves(state: State): readonly Move<State>[]
  /** Those of them that happen by themselves, sooner or later. */
  progress(state: State): readonly Move<State>[]
  /** Two states with the same key have the same future. */
  key(state: State): string
  /** What is wrong in this state; undefined when nothing is. */
  fault(state: State): string | undefined
}

export interface Exploration {
  readonly states: number
  readonly transitions: number
  /** Steps of the longest shortest way to a state. */
  readonly depth: number
  /** Undefined: all reachable states were looked at, and none is at fault. */
  readonly counterexample: Counterexample | undefined
}

export interface Counterexample {
  readonly fault: string
  /** The shortest way to it. */
  readonly trace: readonly string[]
}

/**
 * Looks at every reachable state, nearest first, and stops at the first that is at fault. Throws
 * when there are more than `limit` states, so that an unfinished search never counts as a proof.
 */
export function explore<State>(model: Model<State>, limit: number): Exploration {
  const keys = [model.key(model.initial)]
  const parents = [-1]
  const known = new Set(keys)
  let transitions = 0
  let depth = 0
  let frontier = [{ index: 0, state: model.initial }]

  while (frontier.length > 0) {
    const next: typeof frontier = []
    for (const { index, state } of frontier) {
      const fault = model.fault(state)
      if (fault !== undefined) {
        const trace = replay(model, pathTo(index, keys, parents))
        return { states: keys.length, transitions, depth, counterexample: { fault, trace } }
      }
      for (const move of model.moves(state)) {
        transitions += 1
        const key = model.key(move.state)
        if (known.has(key)) continue
        known.add(key)
        next.push({ index: keys.push(key) - 1, state: move.state })
        parents.push(index)
      }
    }
    if (keys.length > limit) throw new Error(`more than ${limit} states at depth ${depth}`)
    if (next.length > 0) depth += 1
    frontier = next
  }
  return { states: keys.length, transitions, depth, counterexample: undefined }
}

/**
 * A state that progress alone leads back to, from any reachable state; undefined: whatever has
 * happened, everything that runs comes to its end.
 */
export function findLoop<State>(model: Model<State>, limit: number): string | undefined {
  const ended = new Set<string>()
  const reached = new Set([model.key(model.initial)])
  const open = [model.initial]
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    const loop = loopFrom(model, state, ended)
    if (loop !== undefined) return loop
    for (const move of model.moves(state)) {
      const key = model.key(move.state)
      if (reached.has(key)) continue
      reached.add(key)
      open.push(move.state)
    }
    if (reached.size > limit) throw new Error(`more than ${limit} states`)
  }
  return undefined
}

/** Depth first, so that what is on the way is known. */
function loopFrom<State>(model: Model<State>, from: State, ended: Set<string>): string | undefined {
  const onWay = new Set<string>()
  const start: readonly Move<State>[] = [{ label: 'starts', state: from }]
  const way = [{ key: '', moves: start, at: 0 }]
  for (let top = way.at(-1); top !== undefined; top = way.at(-1)) {
    const move = top.moves[top.at++]
    if (move === undefined) {
      onWay.delete(top.key)
      ended.add(top.key)
      way.pop()
      continue
    }
    const key = model.key(move.state)
    if (onWay.has(key)) return move.label
    if (ended.has(key)) continue
    onWay.add(key)
    way.push({ key, moves: model.progress(move.state), at: 0 })
  }
  return undefined
}

function pathTo(index: number, keys: readonly string[], parents: readonly number[]): string[] {
  const path: string[] = []
  for (let at = index; at > 0; at = parents[at] ?? -1) path.unshift(keys[at] ?? '')
  return path
}

/** Labels are not kept during the search: the way is walked once more. */
function replay<State>(model: Model<State>, path: readonly string[]): string[] {
  let state = model.initial
  return path.map((key) => {
    const move = model.moves(state).find((candidate) => model.key(candidate.state) === key)
    if (move === undefined) throw new Error('the way to this state cannot be walked again')
    state = move.state
    return move.label
  })
}
