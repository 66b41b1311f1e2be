export { type AccountPool, type AccountPoolOptions, createAccountPool } from './account-pool.ts'
export { RotaError, type RotaErrorCode } from './errors.ts'
export type { PoolNews } from './pool/events.ts'
export type { AccountStatus, PoolStatus } from './pool/status.ts'
