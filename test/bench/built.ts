import type { createAccountPool as Create } from '../../src/account-pool.ts'

/** The library as it is shipped: a loader for TypeScript would be measured with the source. */
const CORE = new URL('../../dist/core.js', import.meta.url).href
const core: { readonly createAccountPool: typeof Create } = await import(CORE)

export const createAccountPool = core.createAccountPool
