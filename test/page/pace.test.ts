import { expect, it } from 'vitest'
import { paced } from '../../src/page/pace.ts'

it('draws all that comes while drawing is quick', async () => {
  const { give, drawn } = start(5)
  for (const each of [1, 2, 3]) await give(each)
  expect(drawn).toEqual([1, 2, 3])
})

it('rests as long as a slow drawing took, and then draws the newest', async () => {
  const { give, drawn, rests, goOn } = start(300)
  for (const each of [1, 2, 3, 4]) await give(each)
  expect(drawn).toEqual([1])
  expect(rests.map(({ ms }) => ms)).toEqual([300])
  await goOn()
  expect(drawn).toEqual([1, 4])
  await give(5)
  await goOn()
  await give(6)
  expect(drawn).toEqual([1, 4, 5])
  await goOn()
  expect(drawn).toEqual([1, 4, 5, 6])
})

function start(drawMs: number) {
  const drawn: number[] = []
  const rests: { readonly run: () => void; readonly ms: number }[] = []
  let clock = 0
  const offer = paced<number>({
    draw(what) {
      drawn.push(what)
      queueMicrotask(() => (clock += drawMs))
    },
    now: () => clock,
    later: (run, ms) => rests.push({ run, ms }),
  })
  return {
    drawn,
    rests,
    give: (what: number) => task(() => offer(what)),
    goOn: () => task(() => rests.shift()?.run()),
  }
}

/** With the microtasks after it. */
async function task(run: () => void): Promise<void> {
  run()
  await Promise.resolve()
  await Promise.resolve()
}
