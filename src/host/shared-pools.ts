/** Something that several plugin instances of one process use together. */
interface Share<Shared> {
  readonly shared: Shared
  /** Gives it back; the last one closes what was shared. Safe to call twice. */
  release(): Promise<void>
}

export interface SharedBy<Shared> {
  take(key: string, open: () => Shared): Share<Shared>
}

/**
 * The host starts a plugin once per project folder, and again after each login, in one process.
 * They share one pool per key, so that counts, claims and renewals are one.
 */
export function createSharing<Shared>(close: (shared: Shared) => Promise<void>): SharedBy<Shared> {
  const open = new Map<string, { readonly shared: Shared; users: number }>()
  return {
    take(key, create) {
      const entry = open.get(key) ?? { shared: create(), users: 0 }
      entry.users += 1
      open.set(key, entry)
      let released = false
      return {
        shared: entry.shared,
        async release() {
          if (released) return
          released = true
          entry.users -= 1
          if (entry.users > 0) return
          if (open.get(key) === entry) open.delete(key)
          await close(entry.shared)
        },
      }
    },
  }
}
