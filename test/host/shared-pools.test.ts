import { describe, expect, it } from 'vitest'
import { createSharing } from '../../src/host/shared-pools.ts'

describe('what plugin instances share', () => {
  it('is opened once per key and closed with the last user', async () => {
    const closed: string[] = []
    const sharing = createSharing<string>(async (shared) => void closed.push(shared))
    let opened = 0
    const open = () => `pool ${++opened}`
    const first = sharing.take('a', open)
    const second = sharing.take('a', open)
    const other = sharing.take('b', open)
    expect([first.shared, second.shared, other.shared]).toEqual(['pool 1', 'pool 1', 'pool 2'])
    await first.release()
    await first.release()
    expect(closed).toEqual([])
    await second.release()
    expect(closed).toEqual(['pool 1'])
    expect(sharing.take('a', open).shared).toBe('pool 3')
  })
})
