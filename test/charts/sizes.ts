import type { Arrow, State } from './chart.ts'
import { labelLines, stateLines } from './words.ts'

export interface Size {
  readonly width: number
  readonly height: number
}

export const ANY_TITLE = 'in any state'
export const LINE_PX = 16
export const TITLE_PX = 30
export const PADDING_PX = 12

/** Wider than the widest fonts that a browser may take, so that no text leaves its box. */
const TITLE_CHAR_PX = 9.4
const LINE_CHAR_PX = 6.8

/** Of a box with nothing but words in it. */
export function sizeOf(state: State): Size {
  const lines = stateLines(state)
  const widest = Math.max(
    textWidth(state.name, TITLE_CHAR_PX),
    ...lines.map((line) => textWidth(line, LINE_CHAR_PX)),
  )
  const below = lines.length > 0 ? lines.length * LINE_PX + PADDING_PX : 4
  return { width: widest + 2 * PADDING_PX, height: TITLE_PX + below }
}

export function labelSize({ triggers }: Arrow): Size {
  const lines = labelLines(triggers)
  const widest = Math.max(...lines.map(({ text }) => textWidth(text, LINE_CHAR_PX)))
  return { width: widest + PADDING_PX, height: lines.length * LINE_PX + 4 }
}

/** Of the box that says that an arrow starts in any state. */
export function anySize(arrow: Arrow): Size {
  const { width, height } = labelSize(arrow)
  const title = textWidth(ANY_TITLE, LINE_CHAR_PX) + PADDING_PX
  return { width: Math.max(width, title), height: height + LINE_PX }
}

function textWidth(text: string, charWidth: number): number {
  return Math.ceil(text.length * charWidth)
}
