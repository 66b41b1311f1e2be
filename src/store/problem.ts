import type { StoreProblem, StoreProblemCode } from './store.ts'

const SENTENCES: Readonly<Record<StoreProblemCode, readonly [what: string, todo: string]>> = {
  unreadable: ['cannot be read', 'Check the permissions of the file and of its folder.'],
  not_a_file: ['is not a regular file', 'Move away what stands there.'],
  unsafe: ['is not used', 'Make it your own (chown) and private (chmod 600).'],
  newer: ['was written by a newer version', 'Update opencode-rota. Until then it stays as it is.'],
  corrupt: [
    'is damaged, and there is no good copy of it',
    'Repair it, or delete it and log in again.',
  ],
  unwritable: ['cannot be written', 'Check the free space, and the permissions of its folder.'],
  busy: ['is in use', 'Try again; if that does not help, end the other process.'],
}

/** A problem in words. `detail` must not hold anything of the file's content. */
export function storeProblem(code: StoreProblemCode, file: string, detail: string): StoreProblem {
  const [what, todo] = SENTENCES[code]
  return { code, message: `The accounts file ${file} ${what}: ${detail}. ${todo}` }
}
