import { type Protocol, next, settled, takeLock, withoutLock } from '../protocol.ts'
import { send } from '../server.ts'
import { processAt, withStore } from '../world.ts'

/** What many programs do: under a lock, read again, adopt what is newer, or else spend. */
export const lockAndAdopt: Protocol = {
  name: 'lock, re-read, adopt',
  first: 'lock',
  steps: {
    lock: (world, me) => takeLock(world, me, 'read'),

    read(world, me) {
      const { memory } = processAt(world, me)
      const token = world.store
      const label = `reads the store: token ${token}`
      return token > memory
        ? next(world, me, label, { at: 'unlock', memory: token })
        : next(world, me, label, { at: 'send', token })
    },

    send(world, me) {
      const { token } = processAt(world, me)
      return next(send(world, me), me, `sends token ${token}`, { at: 'answer' })
    },

    answer(world, me) {
      const { wire } = processAt(world, me)
      if (wire === 'dead') return next(world, me, 'is refused', { at: 'unlockRefused' })
      return wire === 'renewed' ? next(world, me, 'gets a new token', { at: 'save' }) : []
    },

    save(world, me) {
      const memory = processAt(world, me).token + 1
      const saved = withStore(world, memory)
      return next(saved, me, `writes token ${memory} to the store`, { at: 'unlock', memory })
    },

    unlock: (world, me) => next(withoutLock(world, me), me, 'releases the lock', settled('token')),

    unlockRefused: (world, me) =>
      next(withoutLock(world, me), me, 'releases the lock', settled('login')),
  },
}
