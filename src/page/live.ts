import { useEffect, useState } from 'preact/hooks'
import type { Picture } from '../inspect/picture.ts'
import { type Connect, type LinkState, openLink } from './link.ts'
import { paced } from './pace.ts'

export interface Live {
  /** Undefined until the first one came. */
  readonly picture: Picture | undefined
  readonly link: LinkState
  /** Epoch ms by the clock of the process that the picture is of. */
  readonly now: number
  /** What to add to a time by the browser's clock to get the process's. */
  readonly skew: number
}

/** The latest picture, and a clock that ticks every second. */
export function useLive(): Live {
  const [link, setLink] = useState<LinkState>({ kind: 'opening' })
  const [{ picture, skew }, setSeen] = useState<Seen>({ picture: undefined, skew: 0 })
  const [tick, setTick] = useState(Date.now)

  useEffect(() => {
    const show = paced({
      draw({ text, cameAt }: { readonly text: string; readonly cameAt: number }) {
        const latest: Picture = JSON.parse(text)
        setSeen({ picture: latest, skew: latest.now - cameAt })
        setTick(Date.now())
      },
      now: () => performance.now(),
      later: setTimeout,
    })
    const { retry, close } = openLink({
      connect: connectToEvents,
      now: Date.now,
      later: (run, ms) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
      onPicture: (text) => show({ text, cameAt: Date.now() }),
      onState: setLink,
    })
    const ticking = setInterval(() => setTick(Date.now()), 1_000)
    // A page that was hidden or offline may have slept through its timers.
    const wake = () => document.visibilityState === 'visible' && retry()
    document.addEventListener('visibilitychange', wake)
    window.addEventListener('online', wake)
    return () => {
      close()
      clearInterval(ticking)
      document.removeEventListener('visibilitychange', wake)
      window.removeEventListener('online', wake)
    }
  }, [])

  return { picture, link, now: tick + skew, skew }
}

interface Seen {
  readonly picture: Picture | undefined
  readonly skew: number
}

/** After a failure the browser would try again by itself, each in its own way: we do it instead. */
const connectToEvents: Connect = ({ picture, sign, failure }) => {
  const source = new EventSource('events')
  source.addEventListener('picture', ({ data: text }: MessageEvent<string>) => picture(text))
  source.addEventListener('beat', sign)
  source.addEventListener('error', failure)
  return () => source.close()
}
