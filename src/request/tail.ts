/** The last chunks of a stream, from the beginning of an event on. */
export interface Tail {
  push(bytes: Uint8Array): void
  /** What is kept, which is then kept no more. */
  take(): readonly Uint8Array[]
  /** An event was too long to be kept. */
  isCut(): boolean
}

/** The end of an answer is its last event, or the one before: so much is kept at least. */
const KEPT_BYTES = 4_096
/** Looking for the beginning of an event pays only now and then. */
const TRIMMED_AT_BYTES = 32_768

/** OpenAI's last event repeats the whole answer; an image in it has several million bytes. */
const MOST_BYTES = 64 * 1_024 * 1_024

const LF = 10
const CR = 13

/** Costs next to nothing per chunk. Keeps an event whole, however long it is. */
export function createTail(): Tail {
  let chunks: Uint8Array[] = []
  let size = 0
  let trimAt = TRIMMED_AT_BYTES
  let cut = false

  function trim(): void {
    // One piece: a blank line may be split between two chunks.
    const whole = Buffer.concat(chunks)
    const kept = whole.subarray(lastEventStart(whole, size - KEPT_BYTES))
    chunks = [kept]
    size = kept.byteLength
    if (size > MOST_BYTES) {
      chunks = []
      size = 0
      cut = true
    }
    trimAt = Math.max(TRIMMED_AT_BYTES, 2 * size)
  }

  return {
    push(bytes) {
      chunks.push(bytes)
      size += bytes.byteLength
      if (size > trimAt) trim()
    },
    take() {
      const taken = chunks
      chunks = []
      size = 0
      return taken
    },
    isCut: () => cut,
  }
}

/** The last place at or before `limit` that follows a blank line; 0 when there is none. */
function lastEventStart(bytes: Uint8Array, limit: number): number {
  for (let end = limit - 1; end > 0; end--) {
    if (bytes[end] === LF && (bytes[end - 1] === LF || isBlank(bytes, end))) return end + 1
    if (bytes[end] === CR && bytes[end - 1] === CR) return end + 1
  }
  return 0
}

/** CR LF CR LF. */
function isBlank(bytes: Uint8Array, end: number): boolean {
  return bytes[end - 1] === CR && bytes[end - 2] === LF && bytes[end - 3] === CR
}
