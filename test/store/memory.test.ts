import { createMemoryPlace, createMemoryStore } from '../../src/store/memory.ts'
import { describeAccountStore } from '../contract/store.ts'

describeAccountStore('the memory store', () => {
  const place = createMemoryPlace()
  return () => createMemoryStore(place)
})
