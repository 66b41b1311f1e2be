import type { Page } from 'playwright-core'

export interface Faint {
  readonly text: string
  readonly ratio: number
}

/**
 * Texts that stand out less from their ground than WCAG's AA asks for: 4.5 : 1, 3 : 1 where they
 * are large. `seen`: how many were looked at.
 */
export async function findFaint(
  page: Page,
): Promise<{ readonly seen: number; readonly faint: readonly Faint[] }> {
  const texts = await page.evaluate(readTexts)
  const faint = texts.flatMap(({ text, ink, ground, size, weight }) => {
    const isLarge = size >= LARGE_PX || (size >= LARGE_BOLD_PX && weight >= BOLD)
    const ratio = contrast(ink, ground)
    return ratio < (isLarge ? 3 : 4.5) ? [{ text, ratio }] : []
  })
  return { seen: texts.length, faint }
}

const LARGE_PX = 24
const LARGE_BOLD_PX = 18.66
const BOLD = 700

interface Text {
  readonly text: string
  /** As CSS computes them: "rgb(1, 2, 3)". */
  readonly ink: string
  readonly ground: string
  readonly size: number
  readonly weight: number
}

/** Runs in the page. The ground is the nearest that is painted; a box in a chart is one, too. */
function readTexts(): readonly Text[] {
  const texts: Text[] = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const element = node.parentElement
    const text = node.textContent?.trim() ?? ''
    if (element === null || text === '' || element.closest('script, template') !== null) continue
    if (!element.checkVisibility()) continue
    let ground = ''
    for (let at: Element | null = element; at !== null && ground === ''; at = at.parentElement) {
      const box = at.querySelector(':scope > rect')
      const paint = box === null ? getComputedStyle(at).backgroundColor : getComputedStyle(box).fill
      if (paint !== 'none' && paint !== 'rgba(0, 0, 0, 0)') ground = paint
    }
    const { fill, color, fontSize, fontWeight } = getComputedStyle(element)
    const ink = element instanceof SVGElement ? fill : color
    texts.push({
      text,
      ink,
      ground,
      size: Number.parseFloat(fontSize),
      weight: Number(fontWeight),
    })
  }
  return texts
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

/** As WCAG defines it. */
function luminance(css: string): number {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(css)?.slice(1)
  if (parts === undefined) throw new Error(`not a full colour: "${css}"`)
  const [red = 0, green = 0, blue = 0] = parts.map((part) => {
    const share = Number(part) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
