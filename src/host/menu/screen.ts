import { stdout } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { styleText } from 'node:util'
import { intro, isCancel, log, outro, password, select, text, unicode } from '@clack/prompts'
import { openInput, openOutput } from './terminal.ts'
import { type Paint, type Tone, wrapped } from './words.ts'

/** One line to choose. */
export interface Choice<Value extends string> {
  readonly value: Value
  readonly label: string
  /** Shown while the line is the chosen one. */
  readonly hint?: string
}

interface Question {
  readonly question: string
  /** Stands there already. */
  readonly initial?: string
  /** Shown while nothing is typed. */
  readonly example?: string
  /** Why an answer cannot be used; undefined = it can. */
  readonly check?: (answer: string) => string | undefined
}

/**
 * The terminal, as far as the menu needs it. Undefined as an answer: the person went back (Esc), or
 * is leaving (Ctrl-C, Ctrl-D, the host ends); then every later question is answered so at once.
 */
export interface Screen {
  /** How many characters a line of text has room for. */
  width(): number
  /** The same for a choice: the library breaks its lines earlier. */
  choiceWidth(): number
  readonly paint: Paint
  open(title: string): void
  say(tone: 'info' | 'good' | 'warning' | 'bad', sentence: string): void
  show(lines: readonly string[]): void
  /** A line of its own without anything beside it, so that it can be copied. */
  link(url: string): void
  choose<Value extends string>(
    question: string,
    choices: readonly Choice<Value>[],
    initial?: Value,
  ): Promise<Value | undefined>
  ask(question: Question): Promise<string | undefined>
  /** What is typed is not shown. */
  askSecret(question: Question): Promise<string | undefined>
  /**
   * Shows that work goes on, and lets the person stop it: then the signal aborts, and what the work
   * still came to is the result. `said`: its end in some words.
   */
  wait<Result>(
    what: string,
    work: (signal: AbortSignal) => Promise<Result>,
    said: (result: Result) => string,
  ): Promise<Result | undefined>
  isLeft(): boolean
  /** Gives the terminal back as the host had it. */
  close(farewell: string): void
}

/** What stands before each line of text. */
const GUIDE_WIDTH = 3
const LEAST_WIDTH = 20
/** The mark of a choice, and the colour of the guide, which the library counts as characters. */
const BESIDE_CHOICE = 12
const FRAMES = unicode ? ['◒', '◐', '◓', '◑'] : ['•', 'o', 'O', '0']
const FRAME_MS = 120
/** For work that was stopped to end, ms. */
const LONGEST_STOP_MS = 1_000

const STYLES = {
  good: 'green',
  warning: 'yellow',
  bad: 'red',
  dim: 'dim',
  strong: 'bold',
} as const satisfies Record<Exclude<Tone, 'plain'>, string>

/** The terminal of this process. `signal` aborts when the host ends. */
export function openScreen(signal: AbortSignal): Screen {
  const { output, closeOutput } = openOutput()
  const leaving = new AbortController()
  const ended = AbortSignal.any([signal, leaving.signal])
  const { input, closeInput } = openInput(() => leaving.abort())

  async function answer<Value>(asked: () => Promise<Value | symbol>): Promise<Value | undefined> {
    if (ended.aborted) return undefined
    const given = await asked()
    return isCancel(given) || typeof given === 'symbol' || ended.aborted ? undefined : given
  }

  async function wait<Result>(
    what: string,
    work: (signal: AbortSignal) => Promise<Result>,
    said: (result: Result) => string,
  ): Promise<Result | undefined> {
    if (ended.aborted) return undefined
    const stopping = new AbortController()
    let frame = 0
    let end: string | undefined
    let isOpen = true
    let isStopped = false
    let isSettled = false
    // Heard before the question hears it, which then shows itself once more.
    const noteStop = (_text: unknown, key: { name?: string; ctrl?: boolean } | undefined) => {
      isStopped ||= key?.ctrl === true || key?.name === 'escape' || key?.name === 'return'
    }
    input.on('keypress', noteStop)
    // The library's own spinner ends the process at Esc: this is a question that moves, and that
    // the end of the work answers.
    const prompt = select({
      get message() {
        const isOver = end !== undefined || isStopped
        return isOver ? what : `${FRAMES[frame % FRAMES.length]} ${what}`
      },
      options: [
        {
          value: 'stop',
          get label() {
            return end ?? 'Stop'
          },
        },
      ],
      showInstructions: false,
      input,
      output,
      signal: ended,
    })
    const timer = setInterval(() => {
      frame += 1
      output.emit('resize')
    }, FRAME_MS)
    const working = work(AbortSignal.any([ended, stopping.signal]))
      .then((result) => {
        end = said(result)
        return result
      })
      .finally(() => {
        isSettled = true
        if (isOpen) input.emit('keypress', '\r', { name: 'return' })
      })
    const outcome = working.then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    )
    await prompt
    input.off('keypress', noteStop)
    isOpen = false
    clearInterval(timer)
    if (isSettled) {
      const settled = await outcome
      if ('error' in settled) throw settled.error
      return settled.result
    }
    stopping.abort()
    // What was done in the same moment is done, and must be told.
    const settled = await Promise.race([outcome, delay(LONGEST_STOP_MS, undefined)])
    return settled !== undefined && 'result' in settled ? settled.result : undefined
  }

  return {
    width,
    choiceWidth: () => Math.max(LEAST_WIDTH, width() - BESIDE_CHOICE),
    paint: (tone, words) => (tone === 'plain' ? words : styleText(STYLES[tone], words)),
    open: (title) => intro(title, { output }),
    say(tone, sentence) {
      const kind = { info: log.info, good: log.success, warning: log.warn, bad: log.error }[tone]
      kind(wrapped(sentence, width()).join('\n'), { output })
    },
    show: (lines) => log.message([...lines], { output }),
    link: (url) => log.message(url, { output, withGuide: false }),
    async choose(question, choices, initial) {
      const options = choices.map((choice) => ({ ...choice }))
      const chosen = await answer<string>(() =>
        select<string>({
          message: question,
          options,
          showInstructions: false,
          input,
          output,
          signal: ended,
          ...(initial === undefined ? {} : { initialValue: initial }),
        }),
      )
      return choices.find(({ value }) => value === chosen)?.value
    },
    ask: (question) =>
      answer<string>(() =>
        text({
          message: question.question,
          initialValue: question.initial ?? '',
          placeholder: question.example ?? '',
          input,
          output,
          signal: ended,
          ...checked(question),
        }),
      ),
    askSecret: (question) =>
      answer<string>(() =>
        password({
          message: question.question,
          input,
          output,
          signal: ended,
          ...checked(question),
        }),
      ),
    wait,
    isLeft: () => ended.aborted,
    close(farewell) {
      outro(farewell, { output })
      closeInput()
      closeOutput()
    },
  }
}

function checked({ check }: Question) {
  return check === undefined ? {} : { validate: (typed: string | undefined) => check(typed ?? '') }
}

function width(): number {
  return Math.max(LEAST_WIDTH, (stdout.columns ?? 80) - GUIDE_WIDTH)
}
