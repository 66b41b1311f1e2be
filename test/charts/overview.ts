import type { Chart, State } from './chart.ts'

/** The states and the ways between them, without what is said of them: it fits beside other things. */
export function overviewOf(chart: Chart): Chart {
  return {
    ...chart,
    root: bare(chart.root),
    arrows: chart.arrows.map((arrow) => ({ ...arrow, triggers: [] })),
  }
}

function bare(state: State): State {
  const states = state.states.map(bare)
  return { ...state, tags: [], entry: [], exit: [], invokes: [], reactions: [], states }
}
