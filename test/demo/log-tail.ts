import { open } from 'node:fs/promises'

const POLL_MS = 80
/** A line of the host's log, as our plugin writes it: `… message="claude-multiauth: text"`. */
const LINE = /message="(?:claude|chatgpt)-multiauth: (.*)"$/

/** Tells each new line that the plugin wrote into the host's log. */
export function tailPluginLog(file: string, tell: (text: string) => void) {
  let position = 0
  let rest = ''

  async function read(): Promise<void> {
    const handle = await open(file).catch(() => undefined)
    if (handle === undefined) return
    const { size } = await handle.stat()
    const buffer = Buffer.alloc(Math.max(0, size - position))
    await handle.read(buffer, 0, buffer.length, position)
    await handle.close()
    position = size
    const lines = (rest + buffer.toString('utf8')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const text = LINE.exec(line)?.[1]
      if (text !== undefined) tell(text.replaceAll('\\"', '"'))
    }
  }

  let reading = Promise.resolve()
  const timer = setInterval(() => void (reading = reading.then(read)), POLL_MS)
  return {
    stop: () => clearInterval(timer),
  }
}
