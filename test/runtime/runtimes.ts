/** `opencode`: the Bun inside the OpenCode binary, which runs any script for `BUN_BE_BUN=1`. */
export type Runtime = 'node' | 'opencode'
export const RUNTIMES: readonly Runtime[] = ['node', 'opencode']
