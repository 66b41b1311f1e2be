import type { Happening } from '../inspect/picture.ts'
import type { Tone } from './words.ts'

/** The shape of a state: no two are alike, so that none is told by its colour alone. */
export function Mark({ tone }: { readonly tone: Tone }) {
  return <Glyph path={MARKS[tone]} />
}

export function KindMark({ kind }: { readonly kind: Happening['kind'] }) {
  return <Glyph path={KINDS[kind]} />
}

function Glyph({ path }: { readonly path: string }) {
  return (
    <svg class="mark" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={path} fill-rule="evenodd" />
    </svg>
  )
}

const RING = 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Zm0 2a5 5 0 1 0 0 10A5 5 0 0 0 8 3Z'

const MARKS: Readonly<Record<Tone, string>> = {
  // A disc.
  ready: 'M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1Z',
  // A clock.
  limited: `${RING}M7.2 4.5h1.6v3.2l2.2 1.6-.9 1.3-2.9-2.1Z`,
  // A half disc.
  soon: `${RING}M8 4a4 4 0 0 1 0 8Z`,
  // A triangle with a bar.
  failing: 'M8 1.2 15.4 14.5H.6ZM7.2 6v4.2h1.6V6Zm0 5.4V13h1.6v-1.6Z',
  // A ring with a bar.
  off: `${RING}M5 7.2h6v1.6H5Z`,
  // A cross.
  refused:
    'M3.2 1.6 8 6.4l4.8-4.8 1.6 1.6L9.6 8l4.8 4.8-1.6 1.6L8 9.6l-4.8 4.8-1.6-1.6L6.4 8 1.6 3.2Z',
}

const KINDS: Readonly<Record<Happening['kind'], string>> = {
  // An arrow.
  assigned: 'M2 7.1h8L7.2 4.3l1.2-1.2L13.3 8l-4.9 4.9-1.2-1.2L10 8.9H2Z',
  // Two arrows.
  moved:
    'M2 4.2h8L8.3 2.5 9.5 1.3 13.2 5 9.5 8.7 8.3 7.5 10 5.8H2Zm12 6H6L7.7 8.5 6.5 7.3 2.8 11l3.7 3.7 1.2-1.2L6 11.8h8Z',
  // A cross.
  refused: MARKS.refused,
  // A clock.
  waiting: MARKS.limited,
  // A rhomb.
  changed: 'M8 1.5 14.5 8 8 14.5 1.5 8Zm0 2.4L3.9 8 8 12.1 12.1 8Z',
  // A key's turn.
  token: 'M8 2a6 6 0 0 1 5.5 3.6V2.5h1.5v5.7H9.3V6.7h3A4.4 4.4 0 1 0 12.2 9.5l1.5.6A6 6 0 1 1 8 2Z',
}
