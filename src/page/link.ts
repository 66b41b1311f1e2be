/** How the page stands to the process that serves it. Times are epoch ms by the browser's clock. */
export type LinkState =
  | { readonly kind: 'opening' }
  /** `backAt`: when it came back after it was lost; 0 = it was never lost. */
  | { readonly kind: 'live'; readonly backAt: number }
  | { readonly kind: 'lost'; readonly since: number }

/** Opens one stream of events; what it gives back closes it. */
export type Connect = (heard: {
  readonly picture: (text: string) => void
  /** Anything else that shows that the other side lives. */
  readonly sign: () => void
  readonly failure: () => void
}) => () => void

export interface LinkParts {
  readonly connect: Connect
  readonly now: () => number
  /** Runs it later; what it gives back calls that off. */
  readonly later: (run: () => void, ms: number) => () => void
  readonly onPicture: (text: string) => void
  readonly onState: (state: LinkState) => void
}

export interface Link {
  /** Tries at once, if it is lost. */
  readonly retry: () => void
  readonly close: () => void
}

/** Keeps a stream of events open, and opens another one for as long as it takes. */
export function openLink({ connect, now, later, onPicture, onState }: LinkParts): Link {
  let state: LinkState = { kind: 'opening' }
  let failures = 0
  let heardAt = now()
  let disconnect = nothing
  let disarm = nothing

  function tell(next: LinkState): void {
    state = next
    onState(next)
  }

  function open(): void {
    stop()
    disarm = later(() => lose(heardAt), ANSWER_MS)
    disconnect = connect({
      picture: (text) => {
        alive()
        onPicture(text)
      },
      sign: alive,
      failure: () => lose(now()),
    })
  }

  function alive(): void {
    heardAt = now()
    failures = 0
    disarm()
    // A silent stream is no lost one: it is opened again, and only that may fail.
    disarm = later(open, SILENCE_MS)
    if (state.kind !== 'live') tell({ kind: 'live', backAt: state.kind === 'lost' ? heardAt : 0 })
  }

  function lose(since: number): void {
    stop()
    if (state.kind !== 'lost') tell({ kind: 'lost', since })
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS)
    failures += 1
    disarm = later(open, pause)
  }

  function stop(): void {
    disarm()
    disconnect()
    disconnect = nothing
  }

  open()
  return {
    retry: () => {
      if (state.kind === 'lost') open()
    },
    close: stop,
  }
}

/** The other side sends its picture as soon as a stream is open. */
const ANSWER_MS = 5_000
/** It gives a sign of life every 15 s; two may be late. */
const SILENCE_MS = 40_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 10_000

function nothing(): void {}
