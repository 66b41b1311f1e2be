import type { StoreProblem, StoreProblemCode } from './store.ts'

type Sentence = readonly [what: string, todo: string]

const SENTENCES: Readonly<Record<StoreProblemCode, Sentence>> = {
  unreadable: ['cannot be read', 'Check the permissions of the file and of its folder.'],
  not_a_file: ['cannot be used', 'Move away what stands there.'],
  unsafe: ['is not used', 'Make it your own (chown) and private (chmod 600).'],
  newer: ['was written by a newer version', 'Update opencode-rota. Until then it stays as it is.'],
  corrupt: [
    'is damaged, and there is no good copy of it',
    'Repair it, or delete it and log in again.',
  ],
  unwritable: ['cannot be written', 'Check the free space, and the permissions of its folder.'],
  busy: ['is in use', 'Try again; if that does not help, end the other process.'],
}

/** What the system's errors mean, and what helps. All others are named by their code alone. */
const FAULTS: Readonly<Record<string, Sentence>> = {
  ENOSPC: ['the disk is full', 'Free some space.'],
  EDQUOT: ['your share of the disk is used up', 'Free some space.'],
  EROFS: ['the disk is read-only', 'Make it writable.'],
  EACCES: ['permission is denied', 'Give yourself access to it and to its folder (chown, chmod).'],
  EPERM: ['permission is denied', 'Give yourself access to it and to its folder (chown, chmod).'],
  EIO: ['the disk reports an error', 'Check the disk and its cables; see the system log.'],
  EMFILE: ['this process has too many files open', 'Start it anew, or raise "ulimit -n".'],
  ENFILE: ['the system has too many files open', 'End some programs.'],
  ELOOP: ['its links go round in a circle', 'Repair the symbolic link.'],
  ENOTDIR: ['a part of its path is not a folder', 'Move away what stands there.'],
}

/** A problem in words. `detail` must not hold anything of the file's content. */
export function storeProblem(code: StoreProblemCode, file: string, detail: string): StoreProblem {
  const [what, todo] = SENTENCES[code]
  return { code, message: sentence(file, what, detail, todo) }
}

/** The same for an error of the system: `errno` as in Node's errors. */
export function storeFault(
  code: 'unreadable' | 'unwritable',
  file: string,
  errno: string,
): StoreProblem {
  const [what, todo] = SENTENCES[code]
  const [why, cure] = FAULTS[errno] ?? [undefined, todo]
  return {
    code,
    message: sentence(file, what, why === undefined ? errno : `${why} (${errno})`, cure),
  }
}

function sentence(file: string, what: string, detail: string, todo: string): string {
  return `The accounts file ${file} ${what}: ${detail}. ${todo}`
}
