import { secret } from '../../src/secret.ts'

/** What journals are asked to spend. */
export const TOKEN = secret('canary-rt-spent')
