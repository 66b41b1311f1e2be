import { stdin, stdout } from 'node:process'
import { PassThrough, Writable } from 'node:stream'

/** Ctrl-C and Ctrl-D, as a terminal in raw mode sends them. */
const LEAVES = [0x03, 0x04]

/**
 * The terminal's keys. It stays in raw mode between two questions, where Ctrl-C would otherwise be
 * a signal that ends the host in the middle of whatever is being done.
 */
export function openInput(leave: () => void) {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode() {} })
  const pass = (chunk: Buffer) => {
    input.write(chunk)
    if (LEAVES.some((key) => chunk.includes(key))) leave()
  }
  if (stdin.isTTY) stdin.setRawMode(true)
  stdin.on('data', pass).resume()
  stdin.once('end', leave)
  return {
    input,
    closeInput() {
      stdin.off('data', pass)
      stdin.off('end', leave)
      if (stdin.isTTY) stdin.setRawMode(false)
      stdin.pause()
      input.destroy()
    },
  }
}

// oxlint-disable-next-line no-control-regex -- taking colours out is the purpose
const COLOURS = /\u001b\[[\d;]*m/g

/** The terminal's output. Bun colours whatever NO_COLOR says, so that it is taken out here. */
export function openOutput() {
  const isPlain = Boolean(process.env['NO_COLOR'])
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: unknown, _encoding, done) {
      const words = String(chunk)
      stdout.write(isPlain ? words.replace(COLOURS, '') : words)
      done()
    },
  })
  const output = Object.defineProperties(stream, {
    columns: { get: () => stdout.columns },
    rows: { get: () => stdout.rows },
    isTTY: { value: true },
  })
  const resize = () => output.emit('resize')
  stdout.on('resize', resize)
  return { output, closeOutput: () => stdout.off('resize', resize) }
}
